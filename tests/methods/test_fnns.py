from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentink.errors import OptionError
from latentink.methods.entries import MethodOptions
from latentink.methods.fnns import ADAM, Fnns
from latentink.methods.method import random_bits
from latentink.methods.registry import load_method
from latentink.methods.saving import from_eight_bits
from latentink.metrics.raw_bits import raw_accuracy
from latentink.picture import picture_psnr_db
from photos import astronaut

COVER = astronaut()[64:128, 96:160]


def _accuracy(name: str, options: MethodOptions | None = None) -> tuple[float, float]:
    method = load_method(name, options)
    bits = random_bits(method.bits_shape(COVER), 1)
    stego = method.embed(COVER, bits)
    received = method.load(stego.data)
    assert np.array_equal(received.picture, stego.picture)
    psnr = picture_psnr_db(COVER, stego.picture)
    return raw_accuracy(method.extract(received), bits), psnr


def test_every_bit_reads_right_from_floats_and_nearly_every_one_from_png() -> None:
    assert _accuracy("fnns")[0] == 1
    accuracy, psnr = _accuracy("fnns-png")
    assert accuracy > 0.99
    assert psnr > 35


def test_jpeg_takes_the_bits_and_a_layer_in_the_loop_gives_them_back() -> None:
    assert 0.5 < _accuracy("fnns-jpg90")[0] < 0.65
    assert _accuracy("fnns-jpg90-train")[0] > 0.8


def test_a_random_decoder_of_the_password_serves_too() -> None:
    options = MethodOptions(password="tide")
    assert _accuracy("fnns-r", options)[0] > 0.98
    method = load_method("fnns-r", options)
    bits = random_bits(method.bits_shape(COVER), 1)
    data = method.embed(COVER, bits).data
    stranger = load_method("fnns-r", MethodOptions(password="ebb"))
    assert raw_accuracy(stranger.extract(stranger.load(data)), bits) < 0.6


def test_two_bits_at_each_pixel() -> None:
    assert _accuracy("fnns-png", MethodOptions(depth=2))[0] > 0.98


def test_no_pixel_moves_further_than_the_bound() -> None:
    plain = load_method("fnns")
    assert isinstance(plain, Fnns)
    narrow = replace(plain, schedule=replace(plain.schedule, bound=0.01, rounds=2))
    stego = narrow.embed(COVER, random_bits(narrow.bits_shape(COVER), 1))
    assert np.abs(stego.picture - from_eight_bits(COVER)).max() <= 0.01 + 1e-6


def test_the_same_bits_give_the_same_bytes() -> None:
    method = load_method("fnns-jpg90-train")
    assert isinstance(method, Fnns)
    short = replace(method, schedule=replace(ADAM, rounds=2))
    bits = random_bits(short.bits_shape(COVER), 3)
    assert short.embed(COVER, bits).data == short.embed(COVER, bits).data


def test_bits_of_another_shape_are_refused() -> None:
    with pytest.raises(OptionError, match=r"\(1, 64, 64\)"):
        load_method("fnns").embed(COVER, np.zeros((2, 64, 64), dtype=np.uint8))


def test_lbfgs_mends_what_the_learned_optimiser_left() -> None:
    cover = astronaut()[:192, :192]
    first, second = load_method("liso-png"), load_method("liso-lbfgs")
    bits = random_bits(first.bits_shape(cover), 1)
    learned, mended = first.embed(cover, bits), second.embed(cover, bits)
    assert raw_accuracy(first.extract(learned), bits) < 1
    assert raw_accuracy(second.extract(mended), bits) == 1
    before, after = (picture_psnr_db(cover, stego.picture) for stego in (learned, mended))
    assert after > before - 1
