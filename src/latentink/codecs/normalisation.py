"""Generalised divisive normalisation with fixed parameters, in pieces that fit a cache.

Ballé, Laparra, Simoncelli 2016. At each position, over the channels x of a layer,

    y = x·n,    n = (β + Γx²)^(±½):  + in the synthesis transform ("inverse"), − in the analysis,

and with g = dL/dy

    dL/dx = g·n ± x·Γᵀ(g·x·m),      m = 1/n in the synthesis transform, n³ in the analysis.

Left to layers/gdn.py and autograd this is a dozen passes over a layer of 96 channels at half
the picture's resolution; these, not the convolutions, were two thirds of an editing step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from latentink.codecs.layers.gdn import Gdn
from latentink.threads import run_in_threads

# 0.2 MB in bfloat16 at 96 channels: the four tensors of a piece stay in a core's cache.
_POSITIONS_AT_A_TIME = 1024
_PIECES = 32  # that one thread takes at a time, in the same memory


Transform = TypeVar("Transform", bound=nn.Module)


class FixedGdn(nn.Module):
    """A :class:`Gdn` without gradients for its parameters; in channels_last.

    Within ``torch.no_grad`` the result takes the place of what it is given.
    """

    beta: Tensor
    gamma: Tensor

    def __init__(self, trained: Gdn) -> None:
        super().__init__()
        self.inverse = trained.inverse
        beta, gamma = trained.coefficients()
        self.register_buffer("beta", beta.detach())
        self.register_buffer("gamma", gamma.detach())

    def forward(self, x: Tensor) -> Tensor:
        """Return y (B, C, H, W) of x (B, C, H, W), in x's precision."""
        by_position = x.permute(0, 2, 3, 1)
        flat = by_position.reshape(-1, x.shape[1])
        beta, gamma = self.beta.to(x.dtype), self.gamma.to(x.dtype)
        if torch.is_grad_enabled():
            y: Tensor = _Normalised.apply(flat, beta, gamma, self.inverse)
        else:
            y = _normalise_in_place(flat, beta, gamma, self.inverse)
        return y.view(by_position.shape).permute(0, 3, 1, 2)


def _normalise_in_place(x: Tensor, beta: Tensor, gamma: Tensor, inverse: bool) -> Tensor:
    """Return y in place of x (positions, C): to get memory for a layer takes longer than this."""
    transposed = gamma.t().contiguous()
    on_cpu = x.device.type == "cpu"
    few = _POSITIONS_AT_A_TIME if on_cpu else len(x)  # A GPU has no such cache.

    def normalise(many: Tensor) -> None:
        squares, factors = torch.empty_like(many[:few]), torch.empty_like(many[:few])
        for own in many.split(few):
            square, factor = squares[: len(own)], factors[: len(own)]
            torch.mul(own, own, out=square)
            torch.addmm(beta, square, transposed, out=factor)
            own.mul_(factor.sqrt_() if inverse else factor.rsqrt_())

    if on_cpu:
        run_in_threads(normalise, ((many,) for many in x.split(_PIECES * few)))
    else:
        normalise(x)
    return x


class _Normalised(torch.autograd.Function):
    """y of x, both (positions, C)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, beta: Tensor, gamma: Tensor, inverse: bool) -> Tensor:
        y, norm = torch.empty_like(x), torch.empty_like(x)

        def normalise(own: Tensor, factor: Tensor, out: Tensor) -> None:
            square = torch.mul(own, own, out=out)
            torch.addmm(beta, square, gamma.t(), out=factor)
            if inverse:
                factor.sqrt_()
            else:
                factor.rsqrt_()
            torch.mul(own, factor, out=out)

        _over_pieces(normalise, x, norm, y)
        ctx.save_for_backward(x, norm, gamma)
        ctx.inverse = inverse
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        x, norm, gamma = ctx.saved_tensors
        slope = torch.empty_like(x)

        def differentiate(own: Tensor, factor: Tensor, above: Tensor, out: Tensor) -> None:
            inner = torch.mul(above, own)
            if ctx.inverse:
                inner.div_(factor)
            else:
                inner.mul_(factor.pow(3)).neg_()
            torch.mm(inner, gamma, out=out).mul_(own).addcmul_(above, factor)

        _over_pieces(differentiate, x, norm, gradient, slope)
        return slope, None, None, None


def _over_pieces(work: Callable[..., None], *tensors: Tensor) -> None:
    if tensors[0].device.type != "cpu":
        work(*tensors)  # A GPU has no such cache, and each call costs it time.
        return
    pieces = zip(*(tensor.split(_POSITIONS_AT_A_TIME) for tensor in tensors), strict=True)
    run_in_threads(work, pieces)


def laid_out(transform: Transform) -> Transform:
    """Return ``transform``, changed in place to channels_last and with every Gdn fixed."""
    for name, child in transform.named_children():
        if isinstance(child, Gdn):
            setattr(transform, name, FixedGdn(child))
        else:
            laid_out(child)
    return transform.to(memory_format=torch.channels_last)
