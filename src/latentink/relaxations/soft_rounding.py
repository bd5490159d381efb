"""Soft rounding (Agustsson and Theis 2020, "Universally Quantized Neural Compression")."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def soft_rounding(symbols: Tensor, temperature: float) -> Tensor:
    """Return ⌊s⌋ + ½ + ½·tanh(r/τ)/tanh(1/(2τ)) with r = s − ⌊s⌋ − ½, differentiable.

    It is continuous, increasing and exact at integers; τ → 0 gives rounding, τ → ∞ the identity.
    The source writes α for 1/τ. The slope is steepest halfway between integers, where it is
    1/(2τ·tanh(1/(2τ))).

    Args:
        symbols: any shape, real.
        temperature: τ > 0.

    Example:
        >>> soft_rounding(torch.tensor([0.0, 0.4, 0.5, 1.0]), temperature=0.1)
        tensor([0.0000, 0.1192, 0.5000, 1.0000])
    """
    below = torch.floor(symbols)
    bend = torch.tanh((symbols - below - 0.5) / temperature)
    return below + 0.5 + 0.5 * bend / math.tanh(0.5 / temperature)
