"""Real photos for the tests, from the wheel of scikit-image."""

from __future__ import annotations

import numpy as np
import skimage.data


def astronaut(top: int = 0, left: int = 100, height: int = 256, width: int = 256) -> np.ndarray:
    """A crop (height, width, 3) uint8 of the astronaut, 512×512."""
    return np.ascontiguousarray(skimage.data.astronaut()[top : top + height, left : left + width])
