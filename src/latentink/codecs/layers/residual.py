"""Blocks of ELIC's transforms that add to what they are given."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ResidualBottleneck(nn.Module):
    """x + a path of half the width (He et al. 2016, "Deep residual learning", figure 5)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels // 2, 1)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels // 2, channels // 2, 3, padding=1)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(channels // 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) of x (B, C, H, W)."""
        path: Tensor = self.conv3(self.relu2(self.conv2(self.relu1(self.conv1(x)))))
        return path + x


class _ResidualUnit(nn.Module):
    """ReLU(x + a path of half the width)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // 2, channels // 2, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // 2, channels, 1),
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        path: Tensor = self.relu(self.conv(x) + x)
        return path


class Attention(nn.Module):
    """x + a · sigmoid(b), with a and b made of x.

    Cheng et al. 2020, "Learned image compression with discretized Gaussian mixture likelihoods and
    attention modules", the simplified module of figure 6.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_a = nn.Sequential(*(_ResidualUnit(channels) for _ in range(3)))
        self.conv_b = nn.Sequential(
            *(_ResidualUnit(channels) for _ in range(3)), nn.Conv2d(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) of x (B, C, H, W)."""
        gated: Tensor = self.conv_a(x) * torch.sigmoid(self.conv_b(x)) + x
        return gated
