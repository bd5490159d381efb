"""L_recon of Eq. 1: the squared error between cover and stego (Eq. 2)."""

from __future__ import annotations

from torch import Tensor

PEAK = 255.0
"""Grey levels of the picture's range [0, 1]."""


def squared_error_bits(cover: Tensor, stego: Tensor, lagrangian: float) -> Tensor:
    """Return λ1 · 255² · MSE · pixels (scalar, bits): the distortion, as the codec trades it.

    CompressAI's codecs are trained on bpp + λ · 255² · MSE. Multiplied by the number of pixels,
    both are in bits, the unit of R; so λ1 is the λ that the codec was trained with, as the paper
    asks (section 3.2).

    Args:
        cover: (1, 3, H, W) in [0, 1].
        stego: same shape.
        lagrangian: λ1, bits per pixel per squared grey level.

    Example:
        >>> import torch
        >>> black = torch.zeros(1, 3, 2, 2)
        >>> squared_error_bits(black, black + 1 / 255, lagrangian=0.5)  # off by one grey level
        tensor(2.)
    """
    mean_squared = (cover - stego).square().mean()
    return lagrangian * PEAK**2 * mean_squared * (cover.shape[-2] * cover.shape[-1])
