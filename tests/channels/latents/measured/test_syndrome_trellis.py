"""Syndrome-trellis codes carry any bits, and change what is cheap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentink.channels.latents.measured.change_probabilities import change_probabilities
from latentink.channels.latents.measured.syndrome_trellis import (
    COLUMNS,
    HEIGHT,
    embed,
    extract,
)


@given(st.integers(0, 600), st.sampled_from(list(COLUMNS)), st.integers(0, 2**32 - 1))
def test_the_syndrome_is_the_message(count, width, seed):
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, count, dtype=np.uint8)
    parities = rng.integers(0, 2, count * width, dtype=np.uint8)
    coded = embed(parities, rng.random(count * width), bits, width)
    assert np.array_equal(extract(coded, width), bits)


def test_the_columns_are_as_the_paper_asks():
    for width, columns in COLUMNS.items():
        assert len(set(columns)) == width
        assert all(column & 1 and column >> (HEIGHT - 1) == 1 for column in columns)


def test_the_cheapest_of_all_ways_is_found():
    """Against all 2¹⁰ parities of a small case."""
    rng = np.random.default_rng(2)
    bits, width = rng.integers(0, 2, 5, dtype=np.uint8), 2
    parities, costs = rng.integers(0, 2, 10, dtype=np.uint8), rng.random(10)
    ways = (np.arange(2**10)[:, None] >> np.arange(10) & 1).astype(np.uint8)
    fitting = [way for way in ways if np.array_equal(extract(way, width), bits)]
    cheapest = min((way != parities) @ costs for way in fitting)
    coded = embed(parities, costs, bits, width)
    assert (coded != parities) @ costs == pytest.approx(cheapest, rel=1e-5)


@pytest.mark.parametrize(("width", "measured"), [(2, 0.084), (4, 0.042), (8, 0.022)])
def test_changes_cost_about_what_the_bound_says(width, measured):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, 4096, dtype=np.uint8)
    parities, costs = rng.integers(0, 2, 4096 * width, dtype=np.uint8), rng.random(4096 * width)
    coded = embed(parities, costs, bits, width)
    spent = (coded != parities) @ costs / len(bits)
    assert spent == pytest.approx(measured, rel=0.1)
    assert change_probabilities(costs, width) @ costs / len(bits) == pytest.approx(spent, rel=0.12)


def test_places_that_are_dear_are_left_alone():
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, 512, dtype=np.uint8)
    parities = rng.integers(0, 2, 2048, dtype=np.uint8)
    costs = np.where(rng.random(2048) < 0.3, 1e3, rng.random(2048))
    coded = embed(parities, costs, bits, 4)
    assert (coded == parities)[costs == 1e3].all()
