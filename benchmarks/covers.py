"""The photos that the benchmarks work on."""

from __future__ import annotations

import numpy as np


def centre_crop(picture: np.ndarray, side: int | None) -> np.ndarray:
    """Return the central ``side`` × ``side`` pixels of (H, W, 3), or all when ``side`` is None."""
    if side is None:
        return picture
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return np.ascontiguousarray(picture[top : top + side, left : left + side])
