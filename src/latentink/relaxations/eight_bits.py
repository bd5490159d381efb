"""Rounding of a picture to 8 bits, straight through."""

from __future__ import annotations

from torch import Tensor


def round_to_8_bits(picture: Tensor) -> Tensor:
    """Return ``picture`` (any shape) clamped and rounded to k/255; its gradient passes through."""
    rounded = picture.detach().clamp(0, 1).mul(255).round_().div_(255)
    return picture + (rounded - picture.detach())
