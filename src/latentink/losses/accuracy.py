"""L_acc of Eq. 1: how far the message decoder's logits are from reading as the bits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor
from torch.nn import functional

AccuracyLoss = Callable[[Tensor, Tensor], Tensor]
"""(logits, bits), both (n,) → scalar ≥ 0."""


def cross_entropy(logits: Tensor, bits: Tensor) -> Tensor:
    """Return the summed binary cross entropy in nats (scalar), the paper's Eq. 5.

    Args:
        logits: (n,) of the positions that carry; positive = bit 1.
        bits: (n,) of 0 and 1, floating point.

    Example:
        >>> import torch
        >>> cross_entropy(torch.zeros(2), torch.tensor([0.0, 1.0]))  # 2 · ln 2
        tensor(1.3863)
    """
    return functional.binary_cross_entropy_with_logits(logits, bits, reduction="sum")


def hinge(logits: Tensor, bits: Tensor, margin: float) -> Tensor:
    """Return Σ max(0, margin − m), where m is the logit, negated for a bit 0 (scalar).

    Unlike the cross entropy it has no gradient at bits that are safely right, so the optimiser
    leaves the rate and the picture alone there.

    Args:
        logits: (n,) of the positions that carry; positive = bit 1.
        bits: (n,) of 0 and 1, floating point.
        margin: in units of the logits, > 0.

    Example:
        >>> import torch
        >>> hinge(torch.tensor([0.25, 3.0, 3.0]), torch.tensor([1.0, 1.0, 0.0]), margin=0.5)
        tensor(3.7500)
    """
    return functional.relu(margin - logits * (2 * bits - 1)).sum()


ACCURACY_LOSSES: dict[str, Callable[[float], AccuracyLoss]] = {
    "hinge": lambda margin: partial(hinge, margin=margin),
    "cross_entropy": lambda margin: cross_entropy,
}
"""The forms of L_acc that a preset can name, each made from the preset's margin."""
