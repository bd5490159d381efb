"""The metrics against figures worked by hand and against scipy's own tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from latentink.errors import OptionError
from latentink.metrics.detection import (
    accuracy,
    auc,
    least_error,
    roc,
    wilson_interval,
)


def test_the_curve_of_scikit_learns_own_example() -> None:
    # sklearn.metrics.roc_curve of y = [0, 0, 1, 1], scores = [0.1, 0.4, 0.35, 0.8].
    false_alarms, detections = roc([0.1, 0.4], [0.35, 0.8])
    assert false_alarms.tolist() == [0, 0, 0.5, 0.5, 1]
    assert detections.tolist() == [0, 0.5, 0.5, 1, 1]
    assert auc([0.1, 0.4], [0.35, 0.8]) == 0.75
    assert least_error([0.1, 0.4], [0.35, 0.8]) == 0.25


def test_equal_scores_are_one_point_and_count_half() -> None:
    false_alarms, detections = roc([1, 1], [1, 2])
    assert list(zip(false_alarms, detections, strict=True)) == [(0, 0), (0, 0.5), (1, 1)]
    assert auc([1, 1], [1, 2]) == 0.75
    assert auc([3, 3], [3]) == 0.5
    assert least_error([3, 3], [3]) == 0.5


def test_the_area_is_the_mann_whitney_statistic() -> None:
    generator = np.random.default_rng(3)
    covers, stegos = generator.integers(0, 9, 70), generator.integers(2, 12, 41)
    statistic = mannwhitneyu(stegos, covers).statistic
    assert auc(covers, stegos) == pytest.approx(statistic / (70 * 41), abs=1e-12)


def test_the_least_error_of_two_bells_is_the_theory() -> None:
    generator = np.random.default_rng(4)
    covers, stegos = generator.normal(0, 1, 20_000), generator.normal(2, 1, 20_000)
    assert least_error(covers, stegos) == pytest.approx(norm.cdf(-1), abs=0.01)
    assert auc(covers, stegos) == pytest.approx(norm.cdf(np.sqrt(2)), abs=0.01)


def test_the_least_error_is_that_of_the_best_threshold() -> None:
    covers, stegos = [0.0, 1.0, 2.0, 9.0], [1.5, 3.0, 4.0]
    tried = [
        (np.mean(np.array(covers) > t) + np.mean(np.array(stegos) <= t)) / 2
        for t in (-1, 0.5, 1.2, 1.7, 2.5, 3.5, 5, 10)
    ]
    assert least_error(covers, stegos) == pytest.approx(min(tried))
    # A detector that is always wrong is no better than one that guesses.
    assert least_error([1, 2], [-1, -2]) == 0.5
    assert auc([1, 2], [-1, -2]) == 0


def test_accuracy_counts_files_and_the_threshold_itself_is_a_cover() -> None:
    assert accuracy([-1, 0, 2], [0, 3], 0.0) == 3 / 5
    assert accuracy([-1, 0, 2], [0, 3], -0.5) == 3 / 5
    assert accuracy([-np.inf], [np.inf], 0.0) == 1


def test_wilson_by_its_formula() -> None:
    # (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n) for 8 of 10.
    z = norm.ppf(0.975)
    middle, scale = 0.8 + z**2 / 20, 1 + z**2 / 10
    half = z * np.sqrt(0.8 * 0.2 / 10 + z**2 / 400)
    low, high = wilson_interval(8, 10)
    assert (low, high) == pytest.approx(((middle - half) / scale, (middle + half) / scale))
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson_interval(0, 24)[0] == 0
    assert wilson_interval(24, 24)[1] == pytest.approx(1)
    assert wilson_interval(8, 10, 0.5)[0] > low


@pytest.mark.parametrize("metric", [roc, auc, least_error])
@pytest.mark.parametrize("scores", [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_no_scores_or_nan_is_a_sentence(metric, scores) -> None:
    with pytest.raises(OptionError, match="one cover and one stego"):
        metric(*scores)


@pytest.mark.parametrize("arguments", [(1, 0), (3, 2), (-1, 2), (1, 2, 1.0), (1, 2, 0.0)])
def test_an_impossible_share_is_a_sentence(arguments) -> None:
    with pytest.raises(OptionError, match="no interval"):
        wilson_interval(*arguments)
