"""Fisher's linear discriminant for few examples of many features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

# Features further from the mean than this, in standard deviations, are clipped to it.
_FAR = 5.0


@dataclass(frozen=True)
class Discriminant:
    """A linear discriminant of standardised features.

    Attributes:
        centre: (n,) midway between the means of the two classes.
        spread: (n,) standard deviation within the classes, above 0; infinite for features that are
            the same in all examples.
        weights: (n,) weights of the standardised features.
        bias: added to their weighted sum.
    """

    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    bias: float

    def score(self, features: np.ndarray) -> float:
        """Return the score of features (n,), above 0 for a stego."""
        return float(_standardised(features, self.centre, self.spread) @ self.weights + self.bias)


def fit_discriminant(covers: np.ndarray, stegos: np.ndarray) -> Discriminant:
    """Return Fisher's discriminant with a shrunk covariance within the classes.

    With Σ the covariance of the standardised features within the classes, w = Σ*⁻¹(μ1 − μ0), where
    Σ* = (1 − ρ)Σ + ρ·tr(Σ)/n·I; see :func:`shrunk_covariance`. The weights are scaled so that a
    score of 1 is one standard deviation within the classes under Σ*.

    Args:
        covers: (files, n) features, at least 2 files.
        stegos: (files, n) features; there may be more or fewer than covers.
    """
    centre = (covers.mean(axis=0) + stegos.mean(axis=0)) / 2
    within = np.concatenate([covers - covers.mean(axis=0), stegos - stegos.mean(axis=0)])
    spread = np.sqrt(np.square(within).mean(axis=0))
    # A feature that is the same in all files tells nothing; dividing by infinity drops it.
    spread[spread <= 1e-12 * (1 + np.abs(centre))] = np.inf
    classes = [_standardised(examples, centre, spread) for examples in (covers, stegos)]
    means = [examples.mean(axis=0) for examples in classes]
    residuals = np.concatenate([x - mean for x, mean in zip(classes, means, strict=True)])
    covariance = shrunk_covariance(residuals)
    weights = cho_solve(cho_factor(covariance), means[1] - means[0])
    weights /= max(float(np.sqrt(weights @ covariance @ weights)), 1e-12)
    return Discriminant(centre, spread, weights, -float((means[0] + means[1]) @ weights) / 2)


def shrunk_covariance(residuals: np.ndarray) -> np.ndarray:
    """Return the shrunk covariance (n, n) of residuals (files, n) of mean 0.

    It is a mean of their covariance and of a multiple of the identity with the same trace: Ledoit
    and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", J.
    Multivariate Analysis 88, 2004, section 3.3. The shrinkage ρ is 0.001 at least.
    """
    files, count = residuals.shape
    covariance = residuals.T @ residuals / files
    mean_variance = np.trace(covariance) / count
    if mean_variance == 0:
        return np.eye(count)
    # d², b² and ρ of section 3.3; d² and b² are n times the paper's.
    distance = np.square(covariance).sum() - count * mean_variance**2
    fourth = (np.square(residuals).sum(axis=1) ** 2).sum() / files
    error = max(0.0, fourth - np.square(covariance).sum()) / files
    shrinkage = min(1.0, max(error / distance if distance > 0 else 1.0, 1e-3))
    shrunk = (1 - shrinkage) * covariance
    shrunk[np.diag_indices(count)] += shrinkage * mean_variance
    return shrunk


def _standardised(features: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.clip((features - centre) / spread, -_FAR, _FAR)
