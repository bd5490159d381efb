"""Additive uniform noise (Ballé et al. 2017), the paper's relaxation (section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor


def additive_noise(symbols: Tensor, generator: torch.Generator) -> Tensor:
    """Return ``symbols`` plus noise that is uniform on [−½, ½).

    Args:
        symbols: (B, M, h, w), real.
        generator: draws the noise, on the CPU, so that it is the same on every device.
    """
    noise = torch.rand(symbols.shape, generator=generator, dtype=symbols.dtype)
    noise = (noise - 0.5).contiguous(memory_format=torch.channels_last)
    return symbols + noise.to(symbols.device)
