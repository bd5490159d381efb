"""R of Eq. 1: the bits of the latent under the entropy model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_PROBABILITY_FLOOR = 1e-9


def gaussian_information(symbols: Tensor, scales: Tensor) -> Tensor:
    """Return the bits of each real-valued symbol under a zero-mean Gaussian, differentiable.

    −log2(Φ((½ − |s|)/σ) − Φ((−½ − |s|)/σ)); Ballé et al. 2018, section 3.

    Args:
        symbols: the latent in units of symbols, less its mean, any shape, rounded or not.
        scales: standard deviations σ > 0, broadcastable to ``symbols``.

    Example:
        >>> gaussian_information(torch.tensor([0.0, 1.0]), torch.tensor(1.0))
        tensor([1.3849, 2.0485])
    """
    magnitude = symbols.abs()
    upper = torch.special.ndtr((0.5 - magnitude) / scales)
    lower = torch.special.ndtr((-0.5 - magnitude) / scales)
    return -torch.log2((upper - lower).clamp_min(_PROBABILITY_FLOOR))


def gaussian_bits(symbols: Tensor, scales: Tensor) -> Tensor:
    """Return R = Σ :func:`gaussian_information` (scalar)."""
    return gaussian_information(symbols, scales).sum()


def information(symbols: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the bits (float64) of each symbol, see :func:`gaussian_information`."""
    exact = torch.from_numpy(symbols).double(), torch.from_numpy(scales)
    return gaussian_information(*exact).numpy()
