"""What raw bits are worth: accuracy, and the rates that the paper and Shannon make of it."""

from __future__ import annotations

import math

import numpy as np


def raw_accuracy(soft: np.ndarray, bits: np.ndarray) -> float:
    """Return the share of bits that read right.

    Args:
        soft: soft bits; positive is bit 1.
        bits: 0 and 1, same shape.
    """
    return float(((soft > 0) == (bits > 0)).mean())


def rsbpp(accuracy: float, density: float) -> float:
    """Return Reed–Solomon bits per pixel, D·(1 − 2p) (Eq. 7; Zhang et al. 2019, section 4.1).

    Larger than Shannon's bound wherever the bits are read one by one; below 0 at less than half.

    Args:
        accuracy: 1 − p, 0 to 1.
        density: D, raw bits per pixel.
    """
    return density * (2 * accuracy - 1)


def shannon_bpp(accuracy: float, density: float) -> float:
    """Return D·(1 − H(p)), the bits per pixel that any error correction could deliver at most.

    Args:
        accuracy: 1 − p, 0 to 1, with p the same for all bits.
        density: D, raw bits per pixel.
    """
    if accuracy in (0.0, 1.0):
        return density
    wrong = 1 - accuracy
    return density * (1 + accuracy * math.log2(accuracy) + wrong * math.log2(wrong))
