"""How much a soft decoder learns from logits about the bits that were sent."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

# Of more margins than this, evenly spaced ones are looked at and stand for all.
_SAMPLE = 65_536
_SCALES = (0.5, 1.0, 2.0, 3.0, 4.5, 7.0, 12.0)


def soft_information(margins: Tensor) -> float:
    """Return the bits that the receiver's soft values hold about what was sent.

    Σ 1 − log2(1 + exp(−s·m)) at the best of a few scales s: the generalised mutual information of a
    decoder that takes s times the logit for a log-likelihood ratio. A position that cannot be moved
    keeps a logit near 0 and costs the decoder one erasure, not one error.

    Args:
        margins: (n,) logits, each negated where its bit is 0.

    Example:
        >>> import torch
        >>> right, unknown = torch.ones(100), torch.zeros(50)
        >>> round(soft_information(torch.cat([right, unknown])))
        100
    """
    if margins.numel() == 0:
        return 0.0
    sample = margins[:: -(-margins.numel() // _SAMPLE)]
    unit = sample.square().mean().sqrt().clamp_min(1e-9)
    scaled = (sample / unit)[None] * margins.new_tensor(_SCALES)[:, None]
    information = 1 - functional.softplus(-scaled) / math.log(2)
    return float(information.sum(dim=1).max()) * (margins.numel() / sample.numel())
