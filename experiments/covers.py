"""The photos that the benchmarks work on."""

from __future__ import annotations

import numpy as np

from latentink.picture import centre


def centre_crop(picture: np.ndarray, side: int | None) -> np.ndarray:
    """Return the central ``side`` × ``side`` pixels of (H, W, 3), or all when ``side`` is None."""
    return picture if side is None else centre(picture, side)
