"""Quantisation index modulation of projections (Chen and Wornell 2001).

A projection says a bit by the lattice that it is near: even multiples of a step Δ say 0, odd ones
say 1. A number is never farther than Δ from a point of either, whatever the photo.
"""

from __future__ import annotations

import numpy as np

STEPS = tuple(2.0 ** (code / 4) for code in range(26))
"""The steps Δ that there are, grey levels: 1 to 76, each 1.5 dB stronger than the one before."""
COMPENSATION = 0.85
"""Share of the way to the lattice that a sender moves: the rest costs a receiver in noise less than
it saves the picture (distortion compensation, Chen and Wornell 2001, section IV)."""


def moves(projections: np.ndarray, bits: np.ndarray, step: float) -> np.ndarray:
    """Return how far each projection has to move to the nearest point that says its bit.

    Args:
        projections: (n,) float32, grey levels.
        bits: (n,) of 0 and 1.
        step: Δ, grey levels.

    Example:
        >>> moves(np.array([9.0, 9.0], dtype=np.float32), np.array([0, 1]), 8.0)
        array([ 7., -1.], dtype=float32)
    """
    offset = bits.astype(np.float32) * np.float32(step)
    period = np.float32(2 * step)
    target = np.round((projections - offset) / period) * period + offset
    return (target - projections).astype(np.float32)


def soft_bits(projections: np.ndarray, step: float) -> np.ndarray:
    """Return soft bits in [−1, 1]; positive is bit 1.

    Example:
        >>> soft_bits(np.array([0.0, 8.0], dtype=np.float32), 8.0)
        array([-1.,  1.], dtype=float32)
    """
    return -np.cos(projections * np.float32(np.pi / step))
