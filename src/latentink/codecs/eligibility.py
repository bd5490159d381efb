"""Which symbols a coin of the encoder may decide (coins.py), and how many of them it does.

Sender and receiver tell it alike from the rows of the Gaussian table.
"""

from __future__ import annotations

import numpy as np

EXPECTED = {0.18: 1, 0.22: 3, 0.25: 5, 0.3: 7, 0.35: 9, 0.45: 10, 0.55: 11}
"""Least σ → how many of a hundred such symbols a coin decides, about, if they are Gaussian.

Narrower symbols are not eligible: they lie near a border once in thousands. Whole numbers, because
sender and receiver have to agree.
"""
COIN_SCALE = min(EXPECTED)
"""Least σ of an eligible symbol."""


def expected_free(scales: np.ndarray) -> np.ndarray:
    """Return the entry of ``EXPECTED`` for each of ``scales``, int64; 0 where not eligible.

    Example:
        >>> expected_free(np.array([0.1, 0.18, 0.3, 5.0]))
        array([ 0,  1,  7, 11])
    """
    entries = np.array([0, *EXPECTED.values()])
    found: np.ndarray = entries[np.searchsorted(list(EXPECTED), scales, side="right")]
    return found
