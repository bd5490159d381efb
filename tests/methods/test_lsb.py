from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from latentink.errors import OptionError, PictureError
from latentink.methods.lsb import LsbMatching, LsbReplacement
from latentink.methods.method import random_bits
from latentink.methods.saving import eight_bits
from photos import astronaut

METHODS = [LsbReplacement(depth) for depth in range(1, 7)] + [LsbMatching(d) for d in (1, 2, 3)]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: f"{m.name}-{m.depth}")
def test_bits_come_back_from_the_bytes(method):
    cover = astronaut(height=64, width=96)
    bits = random_bits(method.bits_shape(cover), 1)
    stego = method.embed(cover, bits, seed=2)
    assert bits.shape == (method.depth, 64, 96)
    soft = method.extract(method.load(stego.data))
    assert soft.dtype == np.float32
    np.testing.assert_array_equal(soft, np.where(bits == 1, 1, -1))
    np.testing.assert_array_equal(method.load(stego.data).picture, stego.picture)


@settings(max_examples=25, deadline=None)
@given(
    cover=arrays.arrays(np.uint8, (16, 17, 3), elements=st.sampled_from([0, 1, 2, 127, 254, 255])),
    seed=st.integers(0, 2**32),
    method=st.sampled_from(METHODS),
)
def test_any_cover_and_bits(cover, seed, method):
    """The ends 0 and 255 neither wrap round nor lose a bit."""
    bits = random_bits(method.bits_shape(cover), seed)
    stego = method.embed(cover, bits, seed)
    np.testing.assert_array_equal(method.extract(stego) > 0, bits == 1)
    change = np.abs(eight_bits(stego.picture).astype(int) - cover).max()
    assert change <= (3 if method.depth > 3 else 1)


def test_replacement_never_moves_an_even_value_down():
    cover = astronaut()
    method = LsbReplacement(3)
    stego = method.embed(cover, random_bits(method.bits_shape(cover), 3))
    change = eight_bits(stego.picture).astype(int) - cover
    assert set(np.unique(change[cover % 2 == 0])) == {0, 1}
    assert set(np.unique(change[cover % 2 == 1])) == {-1, 0}


def test_matching_moves_either_way_as_often():
    """Half of the values change (a random bit is right by chance), a quarter each way."""
    cover = astronaut()
    method = LsbMatching(3)
    stego = method.embed(cover, random_bits(method.bits_shape(cover), 4), seed=5)
    change = eight_bits(stego.picture).astype(int) - cover
    inside = (cover > 0) & (cover < 255)
    for values in (change[inside & (cover % 2 == 0)], change[inside & (cover % 2 == 1)]):
        assert np.mean(values == 1) == pytest.approx(0.25, abs=0.01)
        assert np.mean(values == -1) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("method", [LsbReplacement(2), LsbMatching(2)], ids=lambda m: m.name)
def test_other_channels_stay(method):
    cover = astronaut(height=32, width=32)
    stego = method.embed(cover, random_bits(method.bits_shape(cover), 6), seed=7)
    np.testing.assert_array_equal(eight_bits(stego.picture)[..., 2], cover[..., 2])


def test_same_seed_same_bytes():
    cover = astronaut(height=32, width=32)
    method = LsbMatching()
    bits = random_bits(method.bits_shape(cover), 8)
    first, again, other = (method.embed(cover, bits, seed).data for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_cover_is_left_alone():
    cover = astronaut(height=32, width=32)
    before = cover.copy()
    for method in METHODS:
        method.embed(cover, random_bits(method.bits_shape(cover), 9))
    np.testing.assert_array_equal(cover, before)


@pytest.mark.parametrize("make", [lambda: LsbReplacement(0), lambda: LsbReplacement(7)])
def test_replacement_refuses_other_depths(make):
    with pytest.raises(OptionError, match="1 to 6 bits"):
        make()


@pytest.mark.parametrize("depth", [0, 4])
def test_matching_refuses_other_depths(depth):
    with pytest.raises(OptionError, match="1 to 3 bits"):
        LsbMatching(depth)


def test_refuses_bits_of_another_shape():
    cover = astronaut(height=32, width=32)
    with pytest.raises(OptionError, match=r"\(1, 32, 32\)"):
        LsbMatching().embed(cover, random_bits((2, 32, 32), 0))


def test_refuses_a_file_that_is_no_picture():
    with pytest.raises(PictureError, match="not a picture"):
        LsbReplacement().load(b"nothing of the kind")
