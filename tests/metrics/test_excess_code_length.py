from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentink import compress
from latentink.codecs.file_coding import decode_latents, pack_latents
from latentink.codecs.loading import load_entropy_model
from latentink.container import unpack
from latentink.metrics.excess_code_length import mean_excess_bits
from photos import astronaut


def test_excess_shows_symbols_that_were_pushed_outwards() -> None:
    model = load_entropy_model("hyperprior")
    file = compress(astronaut(0, 100, 64, 64), codec="hyperprior", quality=6).data
    latents = decode_latents(model, unpack(file))
    wide = model.scales[latents.indexes] >= 1
    pushed = replace(latents, y=np.where(wide, latents.y + np.sign(latents.y), latents.y))

    plain = mean_excess_bits(model, file)
    stego = mean_excess_bits(model, pack_latents(model, pushed, (64, 64)))

    assert plain is not None
    assert stego is not None
    assert abs(plain) < 0.5  # a photo costs about what the codec expects
    assert stego > plain + 0.2
