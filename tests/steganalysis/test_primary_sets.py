from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentink.steganalysis.primary_sets import primary_sets, quadratic_roots
from photos import astronaut

# Narrow ranges make equal and neighbouring values frequent, at both ends of the scale.
RANGES = st.sampled_from([(0, 255), (0, 3), (252, 255), (100, 107)])
SIDES = st.integers(2, 9)


def as_described(red: np.ndarray) -> float:
    """The set sizes and the root as ../shared/stegexpose/BEHAVIOUR.md words them, pair by pair."""
    P = X = Y = Z = W = 0
    for row in red.tolist():
        for u, v in zip(row[::2], row[1::2], strict=False):
            P += 1
            if u == v:
                Z += 1
            elif (v % 2 == 0 and u < v) or (v % 2 == 1 and u > v):
                X += 1
            else:
                Y += 1
                if u % 2 == 1 or v % 2 == 1:
                    W += 1
    a, b, c = (W + Z) / 2, 2 * X - P, Y - X
    discriminant = b * b - 4 * a * c
    if discriminant < 0 or a == 0:
        return math.nan
    return min((-b + sign * math.sqrt(discriminant)) / (2 * a) for sign in (1, -1))


@given(SIDES, SIDES, RANGES, st.integers(0, 2**32))
@settings(max_examples=150)
def test_sets_as_described(height, width, ends, seed):
    draw = np.random.default_rng(seed)
    red = draw.integers(*ends, (height, width), dtype=np.uint8, endpoint=True)
    picture = np.stack([red, red[::-1], red[:, ::-1]], axis=2)
    np.testing.assert_allclose(primary_sets(picture), as_described(red), rtol=1e-12)


def test_only_red_counts():
    photo = astronaut()
    other = photo.copy()
    other[..., 1:] = 255 - other[..., 1:]
    assert primary_sets(other) == primary_sets(photo)


def test_the_last_column_of_an_odd_width_is_in_no_pair():
    photo = astronaut(width=255)
    assert primary_sets(photo) == primary_sets(photo[:, :254])


def test_scattered_bits_raise_the_estimate(scatter):
    photo = astronaut(left=0, height=512, width=512)
    estimates = [primary_sets(scatter(photo, share)) for share in (0, 0.05, 0.1, 0.15)]
    assert estimates == sorted(estimates)
    np.testing.assert_allclose(estimates, [0.04, 0.09, 0.15, 0.21], atol=0.03)
    # The description's W is not the paper's: with more bits the equation has no real root.
    assert math.isnan(primary_sets(scatter(photo, 0.5)))


def test_roots():
    assert quadratic_roots(2, -6, 4) == (1, 2)
    assert quadratic_roots(-1, 0, 4) == (2, -2)
    assert quadratic_roots(1, 0, 1) is None
    assert np.isnan(quadratic_roots(0, 1, 1)).all()


@pytest.mark.parametrize("value", [0, 100, 101, 255])
def test_a_constant_picture_shows_nothing(value):
    assert primary_sets(np.full((64, 64, 3), value, np.uint8)) == 0
