"""Generalised divisive normalisation, trainable.

Ballé, Laparra, Simoncelli 2016, "Density modeling of images using a generalized normalization
transformation". For fixed parameters, normalisation.py computes it faster.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentink.codecs.layers.lower_bound import lower_bound

_PEDESTAL = 2.0**-36
_LEAST_BETA = 1e-6


class Gdn(nn.Module):
    """y = x / √(β + Γx²) over the channels at each position, or its inverse y = x · √(β + Γx²).

    The parameters ``beta`` and ``gamma`` are square roots of β and Γ, with a small pedestal, so
    that both stay positive; the published checkpoints have them in this form.

    Attributes:
        inverse: Whether it multiplies.
    """

    def __init__(self, channels: int, inverse: bool = False) -> None:
        """Start from β = 1 and Γ = 0.1 on the diagonal."""
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter((torch.ones(channels) + _PEDESTAL).sqrt())
        self.gamma = nn.Parameter((0.1 * torch.eye(channels) + _PEDESTAL).sqrt())

    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return β (C,) and Γ (C, C)."""
        beta = lower_bound(self.beta, (_LEAST_BETA + _PEDESTAL) ** 0.5).square() - _PEDESTAL
        gamma = lower_bound(self.gamma, _PEDESTAL**0.5).square() - _PEDESTAL
        return beta, gamma

    def forward(self, x: Tensor) -> Tensor:
        """Return y (B, C, H, W) of x (B, C, H, W)."""
        beta, gamma = self.coefficients()
        norm = functional.conv2d(x.square(), gamma[:, :, None, None], beta)
        return x * (norm.sqrt() if self.inverse else norm.rsqrt())
