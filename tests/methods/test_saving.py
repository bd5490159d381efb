from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentink.errors import OptionError, PictureError
from latentink.methods.saving import Floats, Jpeg, Png, Saving, eight_bits, from_eight_bits
from photos import astronaut

ALL = (Floats(32), Floats(16), Png(), Jpeg(90), Jpeg(50, "4:2:0"))


def _picture(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(16, 40), st.integers(16, 40))
def test_float32_keeps_every_value_and_png_every_rounded_one(
    seed: int, height: int, width: int
) -> None:
    picture = _picture(seed, height, width)
    assert np.array_equal(Floats(32).decode(Floats(32).encode(picture)), picture)
    rounded = from_eight_bits(eight_bits(picture))
    assert np.array_equal(Png().decode(Png().encode(picture)), rounded)


def test_float16_loses_less_than_a_thousandth() -> None:
    picture = _picture(1, 32, 32)
    kept = Floats(16).decode(Floats(16).encode(picture))
    assert 0 < np.abs(kept - picture).max() < 1e-3


def test_sizes_are_those_that_the_paper_counts() -> None:
    picture = _picture(1, 64, 64)
    for saving, bpp in ((Floats(32), 96), (Floats(16), 48)):
        assert 8 * len(saving.encode(picture)) / 64**2 == pytest.approx(bpp, abs=0.3)


def test_coarser_jpeg_is_smaller_and_further_off() -> None:
    picture = from_eight_bits(astronaut())
    files = [Jpeg(90), Jpeg(70), Jpeg(50), Jpeg(50, "4:2:0")]
    sizes = [len(saving.encode(picture)) for saving in files]
    errors = [np.square(s.decode(s.encode(picture)) - picture).mean() for s in files]
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)


@pytest.mark.parametrize("saving", ALL)
def test_foreign_bytes_are_refused_in_words(saving: Saving) -> None:
    with pytest.raises(PictureError):
        saving.decode(b"no picture at all")
    with pytest.raises(PictureError):
        saving.decode(saving.encode(_picture(1, 32, 32))[:60])


def test_numbers_that_are_no_picture_are_refused() -> None:
    with pytest.raises(PictureError, match="does not hold a picture"):
        Floats(32).decode(Floats(32).encode(np.zeros((4, 4), dtype=np.float32)))


@pytest.mark.parametrize(("quality", "subsampling"), [(0, "4:4:4"), (101, "4:4:4"), (90, "4:1:1")])
def test_jpeg_settings_out_of_range_are_refused(quality: int, subsampling: str) -> None:
    with pytest.raises(OptionError):
        Jpeg(quality, subsampling)
