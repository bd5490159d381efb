"""Rounding of a picture to 8 bits, straight through."""

from __future__ import annotations

from torch import Tensor


def round_to_8_bits(picture: Tensor) -> Tensor:
    """Return ``picture`` (any shape) clamped to [0, 1] and rounded to k/255, differentiably.

    The gradient passes unchanged.

    Example:
        >>> import torch
        >>> round_to_8_bits(torch.tensor([-0.1, 100.4 / 255])) * 255
        tensor([  0., 100.])
    """
    rounded = picture.detach().clamp(0, 1).mul(255).round_().div_(255)
    return picture + (rounded - picture.detach())
