"""Straight-through rounding to the points that leave given residues."""

from __future__ import annotations

import torch
from torch import Tensor


def coset_rounding(symbols: Tensor, residues: Tensor, moduli: Tensor) -> Tensor:
    """Return the nearest points ≡ residues (mod moduli); the gradient passes unchanged.

    A modulus of 1 gives plain rounding.

    Args:
        symbols: any shape, real.
        residues: same shape, whole numbers.
        moduli: same shape, whole numbers ≥ 1.

    Example:
        >>> coset_rounding(torch.tensor([2.9]), torch.tensor([1.0]), torch.tensor([4.0]))
        tensor([1.])
    """
    points = residues + moduli * torch.round((symbols - residues) / moduli)
    return symbols + (points - symbols).detach()
