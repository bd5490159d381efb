"""Stochastic Gumbel annealing (Yang, Bamler, Mandt 2020).

"Improving Inference for Neural Image Compression", NeurIPS 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor

# atanh(1) is infinite; the authors stop at this distance, too.
_CLEARANCE = 1e-5


def gumbel_annealing(symbols: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """Return a random point between the two integers around each symbol, mostly near the nearer.

    With r = s − ⌊s⌋, the lower integer has the logit −atanh(r)/τ and the upper −atanh(1−r)/τ. A
    Gumbel-softmax of the same τ draws ⌊s⌋ + w. For two classes it is w = sigmoid((d + l)/τ), where
    d is the difference of the two logits and l is logistic, the difference of two Gumbel variables.
    w > ½ with probability sigmoid(d); the gradient flows through w. As τ → 0, d → ±∞ and the result
    is rounding.

    Args:
        symbols: any shape, real.
        temperature: τ > 0; the authors start at 0.5.
        generator: draws the noise.
    """
    below = torch.floor(symbols)
    part = (symbols - below).clamp(_CLEARANCE, 1 - _CLEARANCE)
    log_odds = (torch.atanh(part) - torch.atanh(1 - part)) / temperature
    uniform = torch.rand(symbols.shape, generator=generator, dtype=symbols.dtype)
    if symbols.dim() == 4:
        uniform = uniform.contiguous(memory_format=torch.channels_last)
    smallest = torch.finfo(symbols.dtype).eps
    logistic = torch.logit(uniform.to(symbols.device), eps=smallest)
    return below + torch.sigmoid((log_odds + logistic) / temperature)
