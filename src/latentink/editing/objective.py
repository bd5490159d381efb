"""Eq. 1: what the editor minimises, term by term, in bits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latentink.losses.accuracy import cross_entropy, hinge
from latentink.losses.distortion import squared_error_bits
from latentink.losses.rate import gaussian_bits


@dataclass(frozen=True)
class Terms:
    """The terms of the objective for one tile, before their weights where they have one.

    Attributes:
        rate: R, bits.
        distortion: λ1·L_recon, bits.
        accuracy: L_acc, to be multiplied by λ5.
        right: number of raw bits that come out right.
        squared_error: summed over colours and pixels, in [0, 1]² units.
    """

    rate: Tensor
    distortion: Tensor
    accuracy: Tensor
    right: int
    squared_error: float


def evaluate(
    *,
    cover: Tensor,
    stego: Tensor,
    rate_symbols: Tensor,
    scales: Tensor,
    logits: Tensor,
    wanted: Tensor,
    lagrangian: float,
    accuracy_loss: str,
    margin: float,
) -> Terms:
    """Return the terms of Eq. 1 for a tile.

    The perceptual, adversarial and total-variation terms (Eq. 3, 4) join here.

    Args:
        cover: (1, 3, H, W) in [0, 1].
        stego: same shape, differentiable.
        rate_symbols: (1, M, h, w) relaxed symbols.
        scales: (1, M, h, w) their standard deviations.
        logits: (planes, gh, gw) of the message decoder.
        wanted: same shape: +1 wants bit 1, −1 bit 0, and 0 does not carry.
        lagrangian: λ1.
        accuracy_loss: ``"hinge"`` or ``"cross_entropy"``.
        margin: of the hinge.
    """
    carrying = wanted != 0
    carried, bits = logits[carrying], (wanted[carrying] + 1) / 2
    if accuracy_loss == "hinge":
        accuracy = hinge(carried, bits, margin)
    else:
        accuracy = cross_entropy(carried, bits)
    with torch.no_grad():
        right = int(((carried > 0) == (bits > 0.5)).sum())
        squared_error = float((cover - stego).square().sum())
    return Terms(
        rate=gaussian_bits(rate_symbols, scales),
        distortion=squared_error_bits(cover, stego, lagrangian),
        accuracy=accuracy,
        right=right,
        squared_error=squared_error,
    )
