"""Coins decide symbols near a border, and change neither their distribution nor others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, norm

from latentink.codecs.coins import (
    REACH,
    CoinFlips,
    are_free,
    coins_of,
    exchanges,
    with_parities,
)
from latentink.codecs.eligibility import COIN_SCALE, expected_free
from latentink.codecs.entropy_model import SYMBOL_LIMIT, nearest

SCALES = np.geomspace(0.11, 256, 64)


@given(st.floats(-100, 100), st.floats(0.11, 256))
def test_free_symbols_lie_near_a_border(value, scale):
    values, scales = np.array([value]), np.array([scale])
    off_border = abs(value - np.floor(value) - 0.5)
    if are_free(values, np.zeros(1, dtype=int), scales)[0]:
        assert scale >= COIN_SCALE
        assert off_border < 0.3
    elif scale > 4 and abs(value) < scale:
        assert off_border > 0.9 * REACH


def test_symbols_at_the_limit_are_never_free():
    values = np.array([SYMBOL_LIMIT - 0.5, -SYMBOL_LIMIT + 0.5, SYMBOL_LIMIT + 7.5])
    assert not are_free(values, np.zeros(3, dtype=int), np.array([256.0])).any()


@given(st.floats(-1000, 1000), st.integers(0, 1))
def test_a_parity_is_that_of_a_neighbour(value, parity):
    (symbol,) = with_parities(np.array([value]), np.array([parity]))
    assert symbol % 2 == parity
    assert symbol in (np.floor(value), np.floor(value) + 1)


@given(st.lists(st.integers(1, 300), max_size=6), st.integers(0, 2**32))
def test_each_place_has_its_own_coin(sizes, seed):
    """However many symbols are chosen at a time, and whichever others are free."""
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    rows, values = rng.integers(0, 40, count), rng.normal(scale=3, size=count)
    whole = CoinFlips(coins_of(b"one"), SCALES)(np.arange(count), values, rows)
    choose, parts, start = CoinFlips(coins_of(b"one"), SCALES), [], 0
    for size in sizes:
        places = np.arange(start, start + size)
        parts.append(choose(places, values[places], rows[places]))
        start += size
    assert np.array_equal(np.concatenate([*parts, []]), whole)


@pytest.mark.parametrize("scale", [0.2, 0.35, 0.7, 2.0])
def test_coins_keep_the_distribution_of_the_model(scale):
    """Zones of equal width on both sides of a border fail the same test where σ is small."""
    count = 2_000_000
    row = int(np.abs(SCALES - scale).argmin())
    sigma, rows = SCALES[row], np.full(count, row)
    values = np.random.default_rng(2).normal(scale=sigma, size=count)
    chosen = CoinFlips(coins_of(b"any"), SCALES)(np.arange(count), values, rows)
    assert 0 < (chosen != np.rint(values)).mean() < 0.2
    assert p_value(chosen, sigma) > 1e-4
    wide = np.abs(values - np.floor(values) - 0.5) <= REACH
    even = np.where(
        wide, with_parities(values, coins_of(b"any").bits(count)), nearest(rows, values, rows)
    )
    if scale < 0.5:
        assert p_value(even, sigma) < 1e-6


def p_value(symbols: np.ndarray, sigma: float) -> float:
    """Of Pearson's test that the symbols are rounded Gaussian values."""
    reach = max(1, int(2 * sigma))
    edges = np.arange(-reach, reach + 2) - 0.5
    counts = np.bincount(np.clip(symbols, -reach, reach).astype(int) + reach)
    inner = np.diff(norm.cdf(edges / sigma))
    inner[0], inner[-1] = norm.cdf(edges[1] / sigma), norm.sf(edges[-2] / sigma)
    return float(chisquare(counts, len(symbols) * inner).pvalue)


def test_as_much_probability_lies_within_reach_on_either_side():
    sigma = 0.4
    below, above = np.linspace(0.3, 0.5, 20001)[:-1], np.linspace(0.5, 0.9, 40001)[1:]
    mass = [
        norm.pdf(side[exchanges(side, np.full(len(side), sigma))[2] <= REACH], scale=sigma).sum()
        for side in (below, above)
    ]
    assert mass[0] == pytest.approx(mass[1], rel=1e-2)


@pytest.mark.parametrize("scale", [0.19, 0.23, 0.27, 0.33, 0.4, 0.5, 0.8, 3.0])
def test_as_many_symbols_are_free_as_expected(scale):
    values = np.random.default_rng(4).normal(scale=scale, size=400_000)
    free = are_free(values, np.zeros(len(values), dtype=int), np.array([scale])).mean()
    (expected,) = expected_free(np.array([scale])) / 100
    assert 0.7 * expected < free < 1.8 * expected
