from __future__ import annotations

import numpy as np
import pytest

from latentink.metrics.raw_bits import raw_accuracy, rsbpp, shannon_bpp


def test_accuracy_counts_signs() -> None:
    assert raw_accuracy(np.array([1.5, -0.1, 2.0, 0.3]), np.array([1, 0, 0, 1])) == 0.75


@pytest.mark.parametrize(("accuracy", "rate"), [(0.5, 0.0), (0.75, 1.0), (1.0, 2.0)])
def test_reed_solomon_rate(accuracy: float, rate: float) -> None:
    assert rsbpp(accuracy, 2.0) == rate


def test_shannon_is_nothing_at_a_half_all_at_one_and_below_reed_solomon_between() -> None:
    assert shannon_bpp(0.5, 1.0) == pytest.approx(0)
    assert shannon_bpp(1.0, 3.0) == 3
    assert shannon_bpp(0.0, 1.0) == 1  # always wrong says as much as always right
    for accuracy in (0.6, 0.8, 0.95):
        assert 0 < shannon_bpp(accuracy, 1.0) < rsbpp(accuracy, 1.0)
