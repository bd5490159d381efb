"""The factorised prior of the hyper-latent: a learned cumulative distribution for each channel.

Ballé et al. 2018, "Variational image compression with a scale hyperprior", appendix 6.1.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentink.codecs.layers.lower_bound import lower_bound

_WIDTHS = (1, 3, 3, 3, 3, 1)
_FIRST_SCALE = 10.0
_TAIL_MASS = 1e-9
_TAIL_LOGIT = math.log(2 / _TAIL_MASS - 1)
_LEAST_LIKELIHOOD = 1e-9
_FARTHEST_QUANTILE = 1e5


class FactorisedPrior(nn.Module):
    """The distribution of z, whose symbols are independent, with one cumulative for each channel.

    Attributes:
        quantiles: (N, 1, 3), below which lie 0.5e-9, ½ and 1 − 0.5e-9 of the mass; the second is
            the median, which symbols are counted from.
    """

    def __init__(self, channels: int) -> None:
        """Start from distributions about as wide as 20 symbols."""
        super().__init__()
        layers = len(_WIDTHS) - 1
        scale = _FIRST_SCALE ** (1 / layers)
        self.matrices, self.biases = nn.ParameterList(), nn.ParameterList()
        self.factors = nn.ParameterList()
        for entry, exit_ in pairwise(_WIDTHS):
            start = math.log(math.expm1(1 / scale / exit_))
            self.matrices.append(nn.Parameter(torch.full((channels, exit_, entry), start)))
            self.biases.append(nn.Parameter(torch.empty(channels, exit_, 1).uniform_(-0.5, 0.5)))
        for width in _WIDTHS[1:-1]:
            self.factors.append(nn.Parameter(torch.zeros(channels, width, 1)))
        start_quantiles = torch.tensor([-_FIRST_SCALE, 0.0, _FIRST_SCALE])
        self.quantiles = nn.Parameter(start_quantiles.repeat(channels, 1, 1))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return z with noise in training, rounded about the medians else, and its likelihoods.

        Args:
            z: (B, N, h, w); so are both results.
        """
        if self.training:
            seen = z + (torch.rand_like(z) - 0.5)
        else:
            medians = self.quantiles[:, 0, 1].detach().view(1, -1, 1, 1)
            seen = torch.round(z - medians) + medians
        by_channel = seen.transpose(0, 1)
        flat = by_channel.reshape(z.shape[1], 1, -1)
        likelihoods = lower_bound(self.likelihood(flat), _LEAST_LIKELIHOOD)
        return seen, likelihoods.view(by_channel.shape).transpose(0, 1)

    def likelihood(self, values: Tensor) -> Tensor:
        """Return the mass of the interval of length 1 around each value, both (N, 1, n)."""
        upper = self._logits(values + 0.5, learning=True)
        lower = self._logits(values - 0.5, learning=True)
        return torch.sigmoid(upper) - torch.sigmoid(lower)

    def quantile_loss(self) -> Tensor:
        """Return how far the quantiles are from their masses; only they get a gradient."""
        target = self.quantiles.new_tensor([-_TAIL_LOGIT, 0.0, _TAIL_LOGIT])
        return (self._logits(self.quantiles, learning=False) - target).abs().sum()

    @torch.no_grad()
    def exact_quantiles(self) -> Tensor:
        """Return what :attr:`quantiles` should be, (N, 1, 3), by bisection."""
        target = self.quantiles.new_tensor([-_TAIL_LOGIT, 0.0, _TAIL_LOGIT])
        low = torch.full_like(self.quantiles, -_FARTHEST_QUANTILE)
        high = torch.full_like(self.quantiles, _FARTHEST_QUANTILE)
        for _ in range(40):
            middle = (low + high) / 2
            below = self._logits(middle, learning=False) < target
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return (low + high) / 2

    def _logits(self, values: Tensor, learning: bool) -> Tensor:
        """Return the logits of the cumulative at each value, both (N, 1, n)."""

        def own(parameter: Tensor) -> Tensor:
            return parameter if learning else parameter.detach()

        logits = values
        for number, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            logits = functional.softplus(own(matrix)) @ logits + own(bias)
            if number < len(self.factors):
                logits = logits + torch.tanh(own(self.factors[number])) * torch.tanh(logits)
        return logits
