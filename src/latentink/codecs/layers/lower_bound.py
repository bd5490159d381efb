"""A lower bound that does not trap what lies below it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def lower_bound(x: Tensor, bound: float) -> Tensor:
    """Return max(x, bound), with a gradient below the bound where descent would raise x.

    Ballé et al. 2018, "Variational image compression with a scale hyperprior", in whose code the
    bound keeps scales and likelihoods positive.

    Example:
        >>> x = torch.tensor([0.0, 0.0, 2.0], requires_grad=True)
        >>> (lower_bound(x, 1.0) * torch.tensor([1.0, -1.0, 1.0])).sum().backward()
        >>> x.grad
        tensor([ 0., -1.,  1.])
    """
    bounded: Tensor = _LowerBound.apply(x, bound)
    return bounded


class _LowerBound(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp_min(bound)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradient * ((x >= ctx.bound) | (gradient < 0)), None
