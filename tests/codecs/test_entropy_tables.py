"""The integer tables of the entropy coder."""

from __future__ import annotations

import math

import numpy as np
import pytest

from latentink.codecs.entropy_tables import SCALE_MINIMUM, pack_table, unpack_table
from latentink.codecs.gaussian_tables import (
    SCALE_LEVELS,
    SCALE_MAXIMUM,
    gaussian_table,
    quantised_cdf,
    scale_levels,
)
from latentink.codecs.rans.table import TOTAL


def test_scales_ascend_on_their_grid() -> None:
    levels = scale_levels()
    assert levels.shape == (SCALE_LEVELS,)
    assert (np.diff(levels) > 0).all()
    assert levels[[0, -1]] == pytest.approx([SCALE_MINIMUM, SCALE_MAXIMUM], abs=1e-6)
    assert (levels * 2**20 == np.round(levels * 2**20)).all()


def test_each_row_codes_all_symbols_at_about_their_probability() -> None:
    table = gaussian_table(np.array([0.11, 1.0, 40.0]))
    for cdf, offset, scale in zip(table.cdf, table.offset, (0.11, 1.0, 40.0), strict=True):
        counts = np.diff(cdf)
        assert (cdf[0], cdf[-1]) == (0, TOTAL)
        assert counts.min() >= 1
        reach = -offset
        assert len(counts) == 2 * reach + 2  # The last count is the escape's.
        expected = math.erf(0.5 / (scale * math.sqrt(2)))
        assert counts[reach] / TOTAL == pytest.approx(expected, rel=0.03)


def test_improbable_symbols_count_at_least_one() -> None:
    cdf = quantised_cdf(np.array([1 - 3e-9, 1e-9, 1e-9, 1e-9]), escape=0.0)
    assert np.diff(cdf).min() == 1
    assert cdf[-1] == TOTAL


def test_tables_come_back_from_tensors() -> None:
    table = gaussian_table(np.array([0.5, 3.0]))
    assert unpack_table("gaussian", pack_table("gaussian", table)) == table
