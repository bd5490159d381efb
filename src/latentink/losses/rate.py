"""R of Eq. 1: the bits of the latent under the entropy model."""

from __future__ import annotations

import torch
from torch import Tensor

_PROBABILITY_FLOOR = 1e-9


def gaussian_bits(symbols: Tensor, scales: Tensor) -> Tensor:
    """Return the bits (scalar, differentiable) of real-valued symbols under zero-mean Gaussians.

    R = Σ −log2(Φ((½ − |s|)/σ) − Φ((−½ − |s|)/σ)); Ballé et al. 2018, section 3.

    Args:
        symbols: latent in units of symbols, any shape, rounded or not.
        scales: standard deviations σ > 0, broadcastable to ``symbols``.
    """
    magnitude = symbols.abs()
    upper = torch.special.ndtr((0.5 - magnitude) / scales)
    lower = torch.special.ndtr((-0.5 - magnitude) / scales)
    return -torch.log2((upper - lower).clamp_min(_PROBABILITY_FLOOR)).sum()
