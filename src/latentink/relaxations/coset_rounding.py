"""Straight-through rounding onto the points that carry given residues."""

from __future__ import annotations

import torch
from torch import Tensor


def coset_rounding(symbols: Tensor, residues: Tensor, moduli: Tensor) -> Tensor:
    """Return the nearest points ≡ residues (mod moduli); the gradient passes unchanged.

    With modulus 1 it is rounding.

    Args:
        symbols: any shape, real.
        residues: same shape, whole numbers.
        moduli: same shape, whole numbers ≥ 1.
    """
    points = residues + moduli * torch.round((symbols - residues) / moduli)
    return symbols + (points - symbols).detach()
