"""The PSNR of a large picture, told from windows of it."""

from __future__ import annotations

import numpy as np
import pytest

import latentink
from latentink.codecs import sampled_psnr
from latentink.codecs.compression import decode_file
from latentink.codecs.sampled_psnr import sampled_psnr_db, windows
from latentink.picture import psnr_db, to_tensor
from photos import astronaut


@pytest.mark.parametrize("size", [(3000, 4000), (16, 65_000), (500, 8001)])
def test_windows_lie_in_the_picture_and_apart(size: tuple[int, int]) -> None:
    seen = np.zeros(size, dtype=np.uint8)
    for place in windows(size):
        assert min(place.top, place.left) >= 0
        seen[place.rows, place.columns] += 1
    assert seen.max() == 1
    assert seen.sum() == sum(place.height * place.width for place in windows(size))


def test_the_windows_have_the_pictures_own_error() -> None:
    """Here the windows are all of the picture."""
    cover = astronaut(height=320, width=480)
    result = latentink.compress(cover, seed=1)
    psnr, share = sampled_psnr_db(to_tensor(cover), decode_file(result.data))
    assert share == 1
    assert psnr == pytest.approx(psnr_db(cover, result.picture), abs=1e-3)


def test_a_sample_is_taken_of_large_photos_only(monkeypatch: pytest.MonkeyPatch) -> None:
    cover = astronaut(height=512, width=512)
    assert latentink.compress(cover, seed=1, sample_psnr=True).report.psnr_share == 1
    monkeypatch.setattr("latentink.steganography.LEAST_SAMPLED", 200_000)
    monkeypatch.setattr(sampled_psnr, "_SIDE", 100)
    whole = latentink.compress(cover, seed=1).report
    sampled = latentink.compress(cover, seed=1, sample_psnr=True).report
    share = 8 * 100**2 / (cover.shape[0] * cover.shape[1])
    assert (whole.psnr_share, sampled.psnr_share) == (1, share)
    assert sampled.psnr_db == pytest.approx(whole.psnr_db, abs=1.5)
    options = latentink.HideOptions(seed=1, sample_psnr=True)
    hidden = latentink.hide(cover, b"noon", password="x", options=options)
    assert hidden.report.psnr_share < 1
    assert psnr_db(cover, hidden.picture) == pytest.approx(whole.psnr_db, abs=0.1)
    pixels = latentink.HideOptions(seed=1, sample_psnr=True, channel="pixels", preset="fast")
    assert latentink.hide(cover, b"noon", options=pixels).report.psnr_share == 1
