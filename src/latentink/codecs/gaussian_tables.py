"""Makes the integer probability tables that a weights file stores (entropy_tables.py)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from latentink.codecs.entropy_tables import SCALE_MINIMUM, EntropyTable
from latentink.codecs.rans.table import TOTAL

SCALE_MAXIMUM = 256.0
SCALE_LEVELS = 64
_TAIL_MASS = 1e-9
# Scales lie on a grid, so that every machine compares an exact scale with them alike.
_SCALE_UNIT = 2.0**-20


def scale_levels() -> np.ndarray:
    """Return the standard deviations of the rows of the Gaussian table.

    Returns:
        (SCALE_LEVELS,) float64, ascending in a geometric series, on a grid of 2^-20.
    """
    levels = np.geomspace(SCALE_MINIMUM, SCALE_MAXIMUM, SCALE_LEVELS)
    return np.round(levels / _SCALE_UNIT) * _SCALE_UNIT


def gaussian_table(levels: np.ndarray) -> EntropyTable:
    """Return the table of zero-mean Gaussians, integrated over whole symbols.

    Each probability is that of an interval of length 1 around a whole number (Ballé et al. 2018,
    "Variational image compression with a scale hyperprior", Eq. 6).

    Args:
        levels: Standard deviations, a row for each.
    """
    rows, offsets = [], []
    for scale in levels:
        reach = math.ceil(scale * 6.2)  # Less than 1e-9 of the mass lies beyond.
        symbols = np.arange(-reach, reach + 1, dtype=np.float64)
        pmf = ndtr((symbols + 0.5) / scale) - ndtr((symbols - 0.5) / scale)
        rows.append(quantised_cdf(pmf, 2 * ndtr(-(reach + 0.5) / scale)))
        offsets.append(-reach)
    return EntropyTable(rows, offsets)


def quantised_cdf(pmf: np.ndarray, escape: float) -> list[int]:
    """Return cumulative counts from 0 to 2^16 in which each symbol and the escape count at least 1.

    Args:
        pmf: (n,) probabilities of the row's symbols.
        escape: Probability of a symbol outside of the row.

    Example:
        >>> quantised_cdf(np.array([1.0, 0.0]), escape=0.0)
        [0, 65534, 65535, 65536]
    """
    # In single precision, as the tables of weights that exist were made.
    shares = np.array([*pmf, max(escape, _TAIL_MASS)], dtype=np.float32).astype(np.float64)
    rounded = np.floor(shares * TOTAL + 0.5).astype(np.int64)
    counts = rounded * TOTAL // rounded.sum()
    counts[-1] += TOTAL - counts.sum()
    for cell in np.flatnonzero(counts < 1):
        lender = int(np.argmin(np.where(counts > 1, counts, 2 * TOTAL)))
        counts[lender] -= 1
        counts[cell] += 1
    return [0, *np.cumsum(counts).tolist()]
