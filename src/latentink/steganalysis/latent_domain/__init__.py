"""An analyst who has the codec and looks at the symbols of a .lik file; the detector ``latents``.

```
                 ┌─► symbols against their Gaussians (symbol_model.py) ────┐
 file ─► latents ┤        ▲ the same of the re-analysed picture            ├─► Fisher discriminant
                 └─► picture ─ g_a ─► v′, z′: near what a plain encoder ───┘
                                      would have written
```

The entropy model says how each symbol should be distributed. What is hidden makes the symbols
depart from it: the latents channel adds noise to symbols of large scale, the editor adds symbols
that the photo does not call for. Photos depart from the model too. Therefore every first-order
statistic is computed twice, for the file and for the file that the codec makes of the decoded
picture, whose symbols are near those of a plain file. That is the Cartesian calibration of Kodovský
and Fridrich, "Calibration revisited", ACM MM&Sec 2009, with the codec in the place of a cropped
JPEG.

The detector ignores the quality and the size of a file: a plain file may have any.

There are 495 statistics (symbol_statistics.py). On one core a picture of 512×512 takes 0.5 s with
the hyperprior and 2 s with ELIC.
"""
