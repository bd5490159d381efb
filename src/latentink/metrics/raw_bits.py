"""What raw bits are worth: their accuracy, and the paper's and Shannon's rate at that accuracy."""

from __future__ import annotations

import math

import numpy as np


def raw_accuracy(soft: np.ndarray, bits: np.ndarray) -> float:
    """Return the share of bits that are read correctly, 0 to 1.

    Args:
        soft: soft bits of any shape; positive is bit 1.
        bits: the bits embedded, 0 and 1, of the same shape.

    Example:
        >>> raw_accuracy(np.array([2.5, -0.1, 0.3, 1.0]), np.array([1, 0, 0, 1]))
        0.75
    """
    return float(((soft > 0) == (bits > 0)).mean())


def rsbpp(accuracy: float, density: float) -> float:
    """Return Reed–Solomon bits per pixel, D·(1 − 2p) (Eq. 7; Zhang et al. 2019, section 4.1).

    It exceeds Shannon's bound where bits are wrong independently of each other, and is negative
    where fewer than half of them are right.

    Args:
        accuracy: 1 − p, 0 to 1.
        density: D, raw bits per pixel.

    Example:
        >>> rsbpp(accuracy=0.75, density=2.0)
        1.0
    """
    return density * (2 * accuracy - 1)


def shannon_bpp(accuracy: float, density: float) -> float:
    """Return D·(1 − H(p)), the most bits per pixel that any error correction could deliver.

    Args:
        accuracy: 1 − p, 0 to 1, with p the same for all bits.
        density: D, raw bits per pixel.

    Example:
        >>> round(shannon_bpp(accuracy=0.75, density=2.0), 4)
        0.3774
    """
    if accuracy in (0.0, 1.0):
        return density
    wrong = 1 - accuracy
    return density * (1 + accuracy * math.log2(accuracy) + wrong * math.log2(wrong))
