"""Convolutions in exact arithmetic, for the parameters of the entropy coder.

If sender and receiver compute these parameters differently in the last bit, the receiver decodes
garbage from there on (CompressAI issue 279). Floating-point sums depend on their order, and so on
threads, libraries and memory layout. Here weights and activations are whole multiples of small
powers of two, and each partial sum stays below 2^53 of these units. Float64 holds all of them
*exactly*, so that their order makes no difference on any machine.
"""

from __future__ import annotations

import copy
from fractions import Fraction

import torch
from torch import Tensor, nn

from latentink.codecs.tiling import apply_in_strips

WEIGHT_UNIT = 2.0**-16
ACTIVATION_UNIT = 2.0**-13
ACTIVATION_LIMIT = 2.0**11
_EXACT_LIMIT = 2.0**53
# Bytes of the unfolded input of a strip, which malloc keeps for the next.
_UNFOLDED_BYTES = 2**25
_LEAST_STRIP = 16


def to_grid(values: Tensor, unit: float) -> Tensor:
    """Return ``values`` in float64, rounded to whole multiples of ``unit``.

    Example:
        >>> to_grid(torch.tensor([0.3, -1.24]), 0.25)
        tensor([ 0.2500, -1.2500], dtype=torch.float64)
    """
    return torch.round(values.double() / unit) * unit


class FixedPointSequence(nn.Module):
    """A chain of convolutions, transposed convolutions and ReLUs in exact arithmetic.

    Input and output are float64 on the grid of ``ACTIVATION_UNIT``. Activations are clipped to
    ±``ACTIVATION_LIMIT``.
    """

    def __init__(self, network: nn.Sequential) -> None:
        """Copy ``network`` (modules Conv2d, ConvTranspose2d, ReLU) with weights on the grid.

        Raises:
            ValueError: The network has a module of another kind, or weights so large that float64
                might round a sum.
        """
        super().__init__()
        self.layers = nn.ModuleList()
        for layer in network:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                self.layers.append(_on_grid(layer))
            elif isinstance(layer, nn.ReLU):
                self.layers.append(nn.ReLU(inplace=True))
            else:
                raise ValueError(f"no exact arithmetic for {type(layer).__name__}")

    @torch.no_grad()
    def forward(self, values: Tensor) -> Tensor:
        """Map (B, C, h, w) float64 to (B, C', h', w') float64, exactly."""
        activation = _rounded(values.double() / ACTIVATION_UNIT)
        for layer in self.layers:
            activation = _applied(layer, activation)
        return activation


def _applied(layer: nn.Module, activation: Tensor) -> Tensor:
    """Return what an exact layer makes of (B, C, h, w), on the grid; convolutions in strips."""
    if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return layer(activation)  # What is rectified is on the grid.
    kernel, stride, padding = (
        int(own[0]) for own in (layer.kernel_size, layer.stride, layer.padding)
    )
    if isinstance(layer, nn.ConvTranspose2d):
        unit, halo, scale = 1, -(-padding // stride), Fraction(stride)
    else:
        unit, halo, scale = stride, -(-padding // stride) * stride, Fraction(1, stride)
    unfolded = 8 * kernel**2 * activation.shape[1] * activation.shape[3]
    return apply_in_strips(
        lambda values: _rounded(layer(values).div_(ACTIVATION_UNIT)),
        activation,
        strip=max(_LEAST_STRIP, _UNFOLDED_BYTES // unfolded) // unit * unit,
        halo=halo,
        scale=scale,
    )


def _rounded(units: Tensor) -> Tensor:
    """Return activations on the grid and clipped, in place of ``units`` of it."""
    return units.round_().mul_(ACTIVATION_UNIT).clamp_(-ACTIVATION_LIMIT, ACTIVATION_LIMIT)


def _on_grid(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    exact = copy.deepcopy(layer).double()
    if exact.bias is None:
        raise ValueError("an exact layer needs a bias")
    exact.weight.data = to_grid(layer.weight.data, WEIGHT_UNIT)
    exact.bias.data = to_grid(exact.bias.data, WEIGHT_UNIT)
    taps_of_an_output = (1, 2, 3) if isinstance(layer, nn.Conv2d) else (0, 2, 3)
    largest_sum = exact.weight.data.abs().sum(taps_of_an_output).max() * ACTIVATION_LIMIT
    units = (largest_sum + exact.bias.data.abs().max()) / (WEIGHT_UNIT * ACTIVATION_UNIT)
    if not units < _EXACT_LIMIT:
        raise ValueError("these weights are too large for exact arithmetic in float64")
    return exact.requires_grad_(False)
