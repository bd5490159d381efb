"""Convolutions that change a picture's size by whole factors, and one over a checkerboard."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def convolution(entry: int, exit_: int, kernel: int = 5, stride: int = 2) -> nn.Conv2d:
    """Return a convolution (B, entry, H, W) → (B, exit, ⌈H/stride⌉, ⌈W/stride⌉)."""
    return nn.Conv2d(entry, exit_, kernel, stride, padding=kernel // 2)


def transposed(entry: int, exit_: int, kernel: int = 5, stride: int = 2) -> nn.ConvTranspose2d:
    """Return a transposed convolution (B, entry, H, W) → (B, exit, stride · H, stride · W)."""
    return nn.ConvTranspose2d(
        entry, exit_, kernel, stride, padding=kernel // 2, output_padding=stride - 1
    )


class CheckerboardConvolution(nn.Conv2d):
    """A convolution of 5×5 that sees only places of the other colour of a checkerboard.

    He et al. 2021, "Checkerboard context model for efficient learned image compression".

    Attributes:
        mask: (5, 5), 1 where the sum of row and column is odd.
    """

    mask: Tensor

    def __init__(self, entry: int, exit_: int) -> None:
        super().__init__(entry, exit_, 5, padding=2)
        places = torch.arange(5)
        odd = (places[:, None] + places) % 2
        self.register_buffer("mask", odd.to(self.weight.dtype), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, exit, H, W) of x (B, entry, H, W)."""
        return functional.conv2d(x, self.weight * self.mask, self.bias, padding=2)
