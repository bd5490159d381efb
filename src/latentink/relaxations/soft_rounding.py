"""Soft rounding (Agustsson and Theis 2020, "Universally Quantized Neural Compression")."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def soft_rounding(symbols: Tensor, temperature: float) -> Tensor:
    """Return ⌊s⌋ + ½ + ½·tanh(r/τ)/tanh(1/(2τ)) with r = s − ⌊s⌋ − ½, differentiable.

    Continuous, increasing, exact at integers; τ → 0 is rounding, τ → ∞ the identity. The source
    writes α for 1/τ. The slope is at most 1/(2τ·tanh(1/(2τ))), halfway between integers.

    Args:
        symbols: any shape, real.
        temperature: τ > 0.
    """
    below = torch.floor(symbols)
    bend = torch.tanh((symbols - below - 0.5) / temperature)
    return below + 0.5 + 0.5 * bend / math.tanh(0.5 / temperature)
