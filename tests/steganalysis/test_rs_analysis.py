from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from latentink.steganalysis import rs_analysis as module
from latentink.steganalysis.rs_analysis import Groups, count_groups, embedded_share, rs_analysis
from photos import astronaut

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8)
PLANES = st.sampled_from([(0, 255), (0, 3), (252, 255), (96, 103)]).flatmap(
    lambda ends: arrays(np.uint8, SHAPES, elements=st.integers(*ends))
)
MASKS = ((1, 0, 0, 1), (0, 1, 1, 0))


def variation(group: list[int]) -> int:
    a, b, c, d = group
    return abs(a - b) + abs(d - c) + abs(b - d) + abs(c - a)


def positive(value: int) -> int:
    return value ^ 1


def negative(value: int) -> int:
    return ((value + 1) ^ 1) - 1


def as_described(plane: np.ndarray, step: int) -> Groups:
    """../shared/stegexpose/BEHAVIOUR.md group by group, flipping each."""
    height, width = plane.shape
    totals = []
    for inverted in (0, 1):
        values = (plane ^ inverted).tolist()
        for flip in (positive, negative):
            regular = singular = 0
            for y in range(0, height - 1, step):
                for x in range(0, width - 1, step):
                    group = [*values[y][x : x + 2], *values[y + 1][x : x + 2]]
                    for mask in MASKS:
                        flipped = [
                            flip(value) if marked else value
                            for value, marked in zip(group, mask, strict=True)
                        ]
                        regular += variation(flipped) > variation(group)
                        singular += variation(flipped) < variation(group)
            totals.append((regular, singular))
    return Groups(*totals)


@given(PLANES)
@settings(max_examples=100, deadline=None)
def test_groups_as_described(plane):
    assert count_groups(plane) == (as_described(plane, 1), as_described(plane, 2))


def test_bands_do_not_show(monkeypatch):
    plane = astronaut(height=61, width=47)[..., 1]
    whole = count_groups(plane)
    monkeypatch.setattr(module, "_BAND_PIXELS", 3 * 47)
    assert count_groups(plane) == whole
    assert whole == (as_described(plane, 1), as_described(plane, 2))


def test_the_crossing_of_the_curves():
    # d0 = 40, d₋0 = 80, d1 = 20, d₋1 = 100: 120·x² − 160·x − 40 = 0.
    groups = Groups((60, 20), (90, 10), (50, 30), (110, 10))
    x = (160 - math.sqrt(160**2 + 4 * 120 * 40)) / 240
    assert embedded_share(groups) == pytest.approx(abs(x / (x - 0.5)))


def test_straight_lines_where_the_curves_do_not_meet():
    # d0 = 10, d₋0 = −90, d1 = 10, d₋1 = −90: 40·x² − 40·x + 100 = 0 has no real root.
    groups = Groups((50, 40), (10, 100), (60, 50), (5, 95))
    x = ((10 - 50) / (60 - 50 + 10 - 5) + (100 - 40) / (50 - 40 + 100 - 95)) / 2
    assert embedded_share(groups) == pytest.approx(abs(x / (x - 0.5)))


def test_a_root_of_zero_counts_only_where_the_curves_agree():
    # d0 = d₋0, so 0 is a root; R₋ > R makes it the straight lines' turn.
    assert embedded_share(Groups((60, 20), (60, 20), (50, 40), (90, 10))) == 0
    groups = Groups((60, 20), (70, 30), (50, 40), (90, 10))
    x = ((70 - 60) / (50 - 60 + 70 - 90) + (30 - 20) / (40 - 20 + 30 - 10)) / 2
    assert embedded_share(groups) == pytest.approx(abs(x / (x - 0.5)))


def test_no_number_without_a_curve():
    assert math.isnan(embedded_share(Groups((1, 2), (2, 1), (2, 1), (1, 2))))


def test_scattered_bits_are_estimated(scatter):
    photo = astronaut(left=0, height=512, width=512)
    shares = [0, 0.1, 0.25, 0.5, 0.75, 1]
    estimates = [rs_analysis(scatter(photo, share)) for share in shares]
    np.testing.assert_allclose(estimates, shares, atol=0.04)


def test_a_constant_picture_shows_nothing():
    for value in (0, 100, 101, 255):
        assert rs_analysis(np.full((64, 63, 3), value, np.uint8)) == 0
