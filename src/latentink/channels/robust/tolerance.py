"""How much change each coefficient hides: more where there is texture, less in smooth places."""

from __future__ import annotations

import numpy as np

from latentink.channels.robust.grid import FREQUENCIES

_QUIET = 6.0
"""Activity below which a block counts as smooth, grey levels."""
_WIDEST = 3.0
"""Ratio of the largest tolerance to the least: a larger one costs more PSNR than it hides."""


def tolerance_of(coefficients: np.ndarray) -> np.ndarray:
    """Return the tolerance of each coefficient, from 1 to 3, the same within a block.

    The eye sees a change less beside stronger ones (contrast masking); as in JPEG's perceptual
    models (Watson 1993), tolerance grows with the 0.7th power of a block's activity.

    Args:
        coefficients: of the photo, as :func:`~.grid.read_coefficients` returns them.
    """
    blocks = coefficients.reshape(-1, len(FREQUENCIES))
    activity = np.sqrt(np.square(blocks).mean(axis=1))
    tolerance = np.clip((activity / _QUIET) ** 0.7, 1, _WIDEST)
    return np.repeat(tolerance, len(FREQUENCIES)).astype(np.float32)
