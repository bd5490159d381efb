"""Straight-through rounding (Bengio et al. 2013): round forwards, identity backwards."""

from __future__ import annotations

import torch
from torch import Tensor


def straight_through(symbols: Tensor) -> Tensor:
    """Return ``symbols`` (any shape) rounded; the gradient passes unchanged."""
    return symbols + (torch.round(symbols) - symbols).detach()
