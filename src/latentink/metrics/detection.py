"""How well scores tell stegos from covers.

Scores come from a :class:`~latentink.steganalysis.detector.Detector`; a higher score means that a
file looks more like a stego. A false alarm is a cover that is called a stego, a missed detection a
stego that is called a cover. P_E, which steganalysts report, is the mean of both rates at the best
threshold (Fridrich, Kodovský, "Rich Models for Steganalysis of Digital Images", IEEE TIFS 7(3),
2012).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest

from latentink.errors import OptionError

Scores = Sequence[float] | np.ndarray


def roc(cover_scores: Scores, stego_scores: Scores) -> tuple[np.ndarray, np.ndarray]:
    """Return the receiver operating characteristic, from (0, 0) to (1, 1).

    The first point calls nothing a stego. Each further one lowers the threshold to the next of the
    distinct scores. Equal scores of covers and stegos make one slanted piece.

    Returns:
        The shares of covers and of stegos that are called stegos, (points,) float64 each.

    Raises:
        OptionError: no cover or no stego, or a score that is NaN.

    Example:
        >>> false_alarms, detections = roc([0.1, 0.2], [0.2, 0.9])
        >>> false_alarms
        array([0. , 0. , 0.5, 1. ])
        >>> detections
        array([0. , 0.5, 1. , 1. ])
    """
    covers, stegos = _checked(cover_scores), _checked(stego_scores)
    thresholds = np.unique(np.concatenate((covers, stegos)))[::-1]
    return _share_from(covers, thresholds), _share_from(stegos, thresholds)


def auc(cover_scores: Scores, stego_scores: Scores) -> float:
    """Return the area under :func:`roc`, 0 to 1; 0.5 is guessing.

    It is the probability that a stego scores above a cover; equal scores count half.

    Raises:
        OptionError: see :func:`roc`.

    Example:
        >>> auc([0.1, 0.2], [0.2, 0.9])
        0.875
    """
    false_alarms, detections = roc(cover_scores, stego_scores)
    heights = (detections[1:] + detections[:-1]) / 2
    return float(np.sum(np.diff(false_alarms) * heights))


def least_error(cover_scores: Scores, stego_scores: Scores) -> float:
    """Return P_E = min over thresholds of (P_FA + P_MD) / 2, 0 to 0.5; 0.5 is guessing.

    P_FA is the rate of false alarms, P_MD that of missed detections.

    Raises:
        OptionError: see :func:`roc`.

    Example:
        >>> least_error([0.1, 0.2], [0.2, 0.9])
        0.25
    """
    false_alarms, detections = roc(cover_scores, stego_scores)
    return float(np.min(false_alarms + 1 - detections) / 2)


def accuracy(cover_scores: Scores, stego_scores: Scores, threshold: float) -> float:
    """Return the share of all files that are classified correctly, 0 to 1.

    Files with a score above ``threshold`` are called stegos.

    Raises:
        OptionError: see :func:`roc`.
    """
    covers, stegos = _checked(cover_scores), _checked(stego_scores)
    right = np.count_nonzero(covers <= threshold) + np.count_nonzero(stegos > threshold)
    return right / (len(covers) + len(stegos))


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's confidence interval of a share, both ends in [0, 1].

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.

    Args:
        successes: 0 to ``trials``.
        trials: at least 1.
        confidence: above 0 and below 1.

    Raises:
        OptionError: a number is out of its range.

    Example:
        >>> low, high = wilson_interval(successes=45, trials=50)
        >>> round(low, 3), round(high, 3)
        (0.786, 0.957)
    """
    if not (0 <= successes <= trials and trials > 0 and 0 < confidence < 1):
        raise OptionError(
            f"There is no interval of {successes} in {trials} at confidence {confidence}: it takes "
            "at least one trial, no more successes than trials, and a confidence between 0 and 1."
        )
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def _checked(scores: Scores) -> np.ndarray:
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    if not values.size or np.isnan(values).any():
        raise OptionError("Detection needs one cover and one stego at least, and no score of NaN.")
    return values


def _share_from(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the share of ``scores`` at or above each threshold, after a leading 0."""
    below = np.searchsorted(np.sort(scores), thresholds, side="left")
    return np.concatenate(([0.0], 1 - below / len(scores)))
