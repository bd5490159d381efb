from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentink.steganalysis.sample_pairs import ratio, sample_pairs, smaller_root
from photos import astronaut

RANGES = st.sampled_from([(0, 255), (0, 3), (252, 255), (96, 103)])
HALVES = st.integers(1, 4)


def as_described(plane: np.ndarray) -> float:
    """One channel as ../shared/stegexpose/BEHAVIOUR.md words it, pair by pair."""
    height, width = plane.shape
    values = plane.tolist()
    pairs = [(values[y][x], values[y][x + 1]) for y in range(height) for x in range(0, width, 2)]
    pairs += [(values[y][x], values[y + 1][x]) for y in range(0, height, 2) for x in range(width)]
    P = len(pairs)
    X = sum((v % 2 == 0 and u < v) or (v % 2 == 1 and u > v) for u, v in pairs)
    Y = sum((v % 2 == 0 and u > v) or (v % 2 == 1 and u < v) for u, v in pairs)
    Z = sum(u == v for u, v in pairs)
    W = sum(u // 2 == v // 2 and u != v for u, v in pairs)
    a, b, c = (W + Z) / 2, 2 * X - P, Y - X
    straight = np.float64(c) / np.float64(b)
    discriminant = b * b - 4 * a * c
    if discriminant < 0:
        return straight
    if a == 0:
        return math.nan
    root = min(((-b + sign * math.sqrt(discriminant)) / (2 * a) for sign in (1, -1)), key=abs)
    return root if root != 0 else straight


@given(HALVES, HALVES, RANGES, st.integers(0, 2**32))
@settings(max_examples=150)
def test_sets_as_described(height, width, ends, seed):
    draw = np.random.default_rng(seed)
    picture = draw.integers(*ends, (2 * height, 2 * width, 3), dtype=np.uint8, endpoint=True)
    with np.errstate(all="ignore"):
        expected = np.mean([as_described(picture[..., k]) for k in range(3)])
        np.testing.assert_allclose(sample_pairs(picture), expected, rtol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(255, 256), (256, 255), (255, 255)])
def test_an_odd_side_makes_it_fail(height, width):
    assert sample_pairs(astronaut(height=height, width=width)) is None


def test_scattered_bits_are_estimated(scatter):
    photo = astronaut(left=0, height=512, width=512)
    shares = [0, 0.1, 0.25, 0.5, 0.75]
    estimates = [sample_pairs(scatter(photo, share)) for share in shares]
    np.testing.assert_allclose(estimates, shares, atol=0.04)


def test_a_constant_picture_shows_nothing():
    for value in (0, 100, 101, 255):
        assert sample_pairs(np.full((64, 64, 3), value, np.uint8)) == 0


def test_smaller_root_and_ratio():
    assert smaller_root((-3, 2)) == 2
    assert smaller_root((-1, 2)) == -1
    assert smaller_root((-2, 2)) == 2
    assert ratio(1, 0) == math.inf
    assert math.isnan(ratio(0, 0))
