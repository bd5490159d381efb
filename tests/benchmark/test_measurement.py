"""A measurement takes all of its figures from the bytes of the file."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from latentink.benchmark.measurement import (
    Lpips,
    Measurement,
    Origin,
    load_lpips,
    measure,
    multi_scale_similarity,
)
from latentink.critics.lpips import SOURCES
from latentink.methods.embedding import embed_random
from latentink.methods.method import random_bits
from latentink.methods.registry import load_method
from latentink.methods.saving import from_eight_bits
from photos import astronaut

ORIGIN = Origin("photos", "astronaut.png", 1)


@cache
def measured(name: str, side: int, with_lpips: bool = False) -> Measurement:
    cover, method = astronaut(30, 170, side, side), load_method(name)
    bits = random_bits(method.bits_shape(cover), 1)
    stego = method.embed(cover, bits, 1)
    # A picture that the file does not hold must not count.
    stego = replace(stego, picture=np.zeros_like(stego.picture))
    return measure(method, cover, bits, stego, 1.5, ORIGIN, load_lpips() if with_lpips else None)


def test_agrees_with_the_report_of_embedding() -> None:
    cover, method = astronaut(30, 170, 64, 64), load_method("lsb-matching")
    _, report = embed_random(method, cover, 1)
    one = measured("lsb-matching", 64)

    assert (one.method, one.dataset, one.photo, one.seed) == (
        "lsb-matching",
        "photos",
        "astronaut.png",
        1,
    )
    assert (one.width, one.height, one.seconds) == (64, 64, 1.5)
    assert one.psnr_db == report.psnr_db
    assert (one.bpp, one.file_bytes, one.density) == (report.bpp, report.file_bytes, 1)
    assert (one.accuracy, one.rsbpp) == (1, 1)
    assert one.rsbpp_rate == report.rsbpp_rate
    assert one.shannon_rate == report.shannon_rate


def test_delivered_payload_stays_below_shannon() -> None:
    one = measured("lsb-matching", 64)

    assert one.payload_bits is not None
    assert one.shannon_rate is not None
    assert one.delivered_rate == one.payload_bits / (8 * one.file_bytes)
    assert 0 < one.delivered_rate < one.shannon_rate


def test_a_simulated_method_delivers_nothing_to_read() -> None:
    one = measured("hill", 64)

    read = (one.accuracy, one.rsbpp, one.rsbpp_rate, one.shannon_rate)
    assert (*read, one.payload_bits, one.delivered_rate) == (None,) * 6
    assert 40 < one.psnr_db < 100
    assert 0 <= one.stegexpose <= 1


def test_replaced_bits_show_in_stegexpose() -> None:
    plain = measured("hill", 64)
    replaced = measured("lsb-replacement", 64)

    assert replaced.stegexpose > plain.stegexpose


def test_a_message_of_hide_counts_as_it_came_back() -> None:
    one = measured("hide-latents-short", 192, with_lpips=True)

    assert one.payload_bits == 192 * 192 // 32
    assert one.delivered_rate == pytest.approx(one.payload_bits / (8 * one.file_bytes))
    assert one.shannon_rate == pytest.approx(one.delivered_rate)
    assert one.ms_ssim is not None
    assert 0.9 < one.ms_ssim < 1
    assert one.latent_excess is not None
    assert -1 < one.latent_excess < 1
    if any(source.find() for source in SOURCES):
        assert one.lpips is not None
        assert 0 < one.lpips < 0.5


def test_lpips_forgets_the_last_cover_when_another_comes() -> None:
    lpips = load_lpips()
    if lpips is None:
        pytest.skip("no package brings the weights of LPIPS")
    first, second = astronaut(0, 0, 64, 64), astronaut(30, 170, 64, 64)
    picture = from_eight_bits(second)
    expected = [Lpips(lpips.network).distance(cover, picture) for cover in (first, second)]

    assert [lpips.distance(cover, picture) for cover in (first, first, second)] == [
        expected[0],
        *expected,
    ]
    assert expected[1] == pytest.approx(0, abs=1e-6)


def test_other_formats_have_no_latent() -> None:
    one = measured("lsb-matching", 64)

    assert one.latent_excess is None
    assert one.lpips is None
    assert one.ms_ssim is None  # the picture is too small


def test_similarity_falls_with_noise() -> None:
    cover = astronaut(0, 100, 161, 170)
    noise = np.random.default_rng(1).normal(0, 1, cover.shape)
    picture = from_eight_bits(cover)

    assert multi_scale_similarity(cover, picture) == pytest.approx(1)
    values = [
        multi_scale_similarity(cover, (picture + d * noise).clip(0, 1).astype(np.float32))
        for d in (0.02, 0.2)
    ]
    assert values[0] is not None
    assert values[1] is not None
    assert 0 < values[1] < values[0] < 1
