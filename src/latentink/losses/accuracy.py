"""L_acc of Eq. 1: how far the message decoder's logits are from saying the bits."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, bits: Tensor) -> Tensor:
    """Return the summed binary cross entropy in nats (scalar), the paper's Eq. 5.

    Args:
        logits: (n,) of the carrying positions; positive = bit 1.
        bits: (n,) of 0 and 1, floating point.
    """
    return functional.binary_cross_entropy_with_logits(logits, bits, reduction="sum")


def hinge(logits: Tensor, bits: Tensor, margin: float) -> Tensor:
    """Return Σ max(0, margin − m), m the logit with the sign that its bit wants (scalar).

    Unlike cross entropy it stops pulling at bits that are safely right, which leaves the rate and
    the picture alone there.

    Args:
        logits: (n,) of the carrying positions; positive = bit 1.
        bits: (n,) of 0 and 1, floating point.
        margin: in units of the logits, > 0.
    """
    return functional.relu(margin - logits * (2 * bits - 1)).sum()
