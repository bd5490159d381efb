"""Networks applied in tiles."""

from __future__ import annotations

import numpy as np
import torch

from latentink.codecs.tiling import apply_in_strips
from latentink.picture import to_picture, to_tensor
from photos import astronaut


def test_tiles_leave_no_seams(codec, monkeypatch):
    monkeypatch.setattr("latentink.codecs.codec._REGION_WIDTH", 16)
    monkeypatch.setattr("latentink.codecs.codec._REGION_HEIGHT", 20)
    picture = astronaut(height=512, width=400)
    tensor = to_tensor(picture)
    code = codec.quality_code(5)
    in_tiles = codec.analyse(tensor, code)
    with torch.no_grad():
        at_once = codec.g_a(tensor) * codec.gain(code)
    torch.testing.assert_close(in_tiles, at_once, atol=1e-3, rtol=0)
    values = torch.round(in_tiles)
    tiled = codec.synthesise(values[0].numpy(), code, picture.shape[:2])
    with torch.no_grad():
        whole = codec.g_s(values * codec.inverse_gain(code)).clamp(0, 1)
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)


def test_strips_and_threads_change_no_bit(codec):
    code = codec.quality_code(5)
    picture = to_tensor(astronaut(height=500, width=330))
    latents = []
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        v = codec.analyse(picture, code)
        z = codec.hyper_analyse(v)
        latents.append((v, z, codec.synthesise(np.rint(v[0].numpy()), code, (500, 330))))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    padded = torch.nn.functional.pad(picture, (0, 6, 0, 12), mode="replicate")
    with torch.no_grad():
        whole = codec.g_a(padded) * codec.gain(code)
        made = codec.g_s(torch.round(whole) * codec.inverse_gain(code)).clamp(0, 1)
    for v, z, picture in latents:
        torch.testing.assert_close(v, whole, atol=1e-3, rtol=0)
        torch.testing.assert_close(picture, made[..., :500, :330], atol=1e-3, rtol=0)
        assert torch.equal(v, latents[0][0])
        np.testing.assert_array_equal(z, latents[0][1])
        assert torch.equal(picture, latents[0][2])


def test_a_part_of_layers_has_the_halo_that_it_needs(codec):
    """Whatever lies beyond a halo, the first strip and the last are those of the whole."""
    generator = torch.Generator().manual_seed(0)
    for name, channels, side in (
        ("analysis", 3, 512),
        ("synthesis", codec.entropy.latent_channels, 32),
    ):
        network = codec.g_a if name == "analysis" else codec.g_s
        values = torch.rand((1, channels, side, 64), generator=generator)
        with torch.no_grad():
            for part in getattr(codec, f"{name}_parts"):
                layers, network = network[: part.layers], network[part.layers :]
                whole = layers(values.clone())
                own = apply_in_strips(
                    layers, values.clone(), strip=16, halo=part.halo, scale=part.scale
                )
                torch.testing.assert_close(own, whole, atol=1e-5, rtol=1e-4)
                values = whole


def test_parts_of_a_known_picture_are_taken_from_it(codec, monkeypatch):
    """A change in one corner recomputes the regions that see it, and the picture is the same."""
    monkeypatch.setattr("latentink.codecs.codec._REGION_WIDTH", 8)
    code = codec.quality_code(5)
    picture = to_tensor(astronaut(height=250, width=405))
    v = codec.analyse(picture, code)
    values = codec.quantise(v, codec.hyper_analyse(v), code).values
    before = to_tensor(to_picture(codec.synthesise(values, code, (250, 405))))
    changed = values.copy()
    changed[:, :3, :3] += 1
    whole = codec.synthesise(changed, code, (250, 405))
    pixels = []
    hook = codec.g_s[-1].register_forward_hook(lambda *given: pixels.append(given[2][0, 0].numel()))
    from_parts = codec.synthesise(changed, code, (250, 405), (values, before))
    hook.remove()
    np.testing.assert_array_equal(to_picture(from_parts), to_picture(whole))
    assert sum(pixels) < 6 * (16 * (8 + 2 * codec.synthesis_halo)) ** 2
