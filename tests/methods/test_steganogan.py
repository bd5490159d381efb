from __future__ import annotations

import pytest

from latentink.methods.entries import MethodOptions
from latentink.methods.method import random_bits
from latentink.methods.registry import load_method
from latentink.metrics.raw_bits import raw_accuracy
from latentink.picture import picture_psnr_db
from photos import astronaut


@pytest.mark.parametrize(
    ("name", "depth"),
    [(f"steganogan-{kind}", depth) for kind in ("dense", "basic") for depth in (1, 2, 3, 4)],
)
def test_one_pass_paints_bits_that_the_decoder_reads(name: str, depth: int) -> None:
    cover = astronaut()
    method = load_method(name, MethodOptions(depth=depth))
    bits = random_bits(method.bits_shape(cover), 1)
    assert bits.shape == (depth, 256, 256)
    stego = method.embed(cover, bits)
    assert raw_accuracy(method.extract(method.load(stego.data)), bits) > 0.95
    assert picture_psnr_db(cover, stego.picture) > 33
