"""L_recon of Eq. 1: the squared error between cover and stego (Eq. 2)."""

from __future__ import annotations

from torch import Tensor

PEAK = 255.0


def squared_error_bits(cover: Tensor, stego: Tensor, lagrangian: float) -> Tensor:
    """Return λ1 · 255² · MSE · pixels (scalar): distortion at the exchange rate of the codec, bits.

    CompressAI's codecs are trained on bpp + λ · 255² · MSE; times the pixels that is in bits, the
    unit of R, so that λ1 is the λ the codec was trained with, as the paper wants (section 3.2).

    Args:
        cover: (1, 3, H, W) in [0, 1].
        stego: same shape.
        lagrangian: λ1, bits per pixel per squared grey level.
    """
    mean_squared = (cover - stego).square().mean()
    return lagrangian * PEAK**2 * mean_squared * (cover.shape[-2] * cover.shape[-1])
