"""Eq. 1: what the editor minimises, term by term, in bits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latentink.losses.accuracy import cross_entropy, hinge
from latentink.losses.distortion import squared_error_bits

# Every few of more margins than this say what all of them hold.
_SAMPLE = 65_536
_SCALES = (0.5, 1.0, 2.0, 3.0, 4.5, 7.0, 12.0)


@dataclass(frozen=True)
class Terms:
    """The terms of the objective for one tile, all but L_acc with their weights, in bits.

    Attributes:
        rate: R.
        distortion: λ1·L_recon.
        perceptual: λ2·L_perc.
        adversarial: λ3·L_adv.
        variation: λ4·L_tv.
        evasion: weighted, see losses/evasion.py.
        accuracy: L_acc, to be multiplied by λ5.
        right: number of raw bits that come out right.
        information: bits that a soft decoder could draw from them, see :func:`soft_information`.
        squared_error: summed over colours and pixels, in [0, 1]² units.
    """

    rate: Tensor
    distortion: Tensor
    perceptual: Tensor
    adversarial: Tensor
    variation: Tensor
    evasion: Tensor
    accuracy: Tensor
    right: int
    information: float
    squared_error: float

    def total(self, accuracy_weight: float) -> Tensor:
        """Return L (Eq. 1) at λ5 = ``accuracy_weight``, bits."""
        looks = self.perceptual + self.adversarial + self.variation + self.evasion
        return self.rate + self.distortion + looks + accuracy_weight * self.accuracy


def soft_information(margins: Tensor) -> float:
    """Return the bits that the receiver's soft values hold about what was sent.

    Σ 1 − log2(1 + exp(−s·m)) at the best of a few scales s: the generalised mutual information of a
    decoder that takes s times the logit for a log-likelihood ratio. A position that cannot be moved
    keeps a logit near 0 and costs the decoder one erasure, not one error.

    Args:
        margins: (n,) logits with the sign that their bit wants.
    """
    if margins.numel() == 0:
        return 0.0
    sample = margins[:: -(-margins.numel() // _SAMPLE)]
    unit = sample.square().mean().sqrt().clamp_min(1e-9)
    scaled = (sample / unit)[None] * margins.new_tensor(_SCALES)[:, None]
    information = 1 - functional.softplus(-scaled) / math.log(2)
    return float(information.sum(dim=1).max()) * (margins.numel() / sample.numel())


def evaluate(
    *,
    cover: Tensor,
    stego: Tensor,
    rate: Tensor,
    logits: Tensor,
    wanted: Tensor,
    lagrangian: float,
    accuracy_loss: str,
    margin: float,
    perceptual: Tensor,
    adversarial: Tensor,
    variation: Tensor,
    evasion: Tensor,
) -> Terms:
    """Return the terms of Eq. 1 for a tile.

    Args:
        cover: (1, 3, H, W) in [0, 1].
        stego: same shape, differentiable.
        rate: R, bits.
        logits: (planes, gh, gw) of the message decoder.
        wanted: same shape: +1 wants bit 1, −1 bit 0, and 0 does not carry.
        lagrangian: λ1.
        accuracy_loss: ``"hinge"`` or ``"cross_entropy"``.
        margin: of the hinge.
        perceptual: λ2·L_perc.
        adversarial: λ3·L_adv.
        variation: λ4·L_tv.
        evasion: weighted.
    """
    carrying = wanted != 0
    carried, bits = logits[carrying], (wanted[carrying] + 1) / 2
    if accuracy_loss == "hinge":
        accuracy = hinge(carried, bits, margin)
    else:
        accuracy = cross_entropy(carried, bits)
    with torch.no_grad():
        right = int(((carried > 0) == (bits > 0.5)).sum())
        information = soft_information(carried * (2 * bits - 1))
        squared_error = float((cover - stego).square().sum())
    return Terms(
        rate=rate,
        distortion=squared_error_bits(cover, stego, lagrangian),
        perceptual=perceptual,
        adversarial=adversarial,
        variation=variation,
        evasion=evasion,
        accuracy=accuracy,
        right=right,
        information=information,
        squared_error=squared_error,
    )
