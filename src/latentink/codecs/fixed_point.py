"""Convolutions in exact arithmetic, for the parameters of the entropy coder.

If sender and receiver compute these parameters differently in the last bit, the receiver decodes
garbage from there on (CompressAI issue 279). Floating-point sums depend on their order, and so on
threads, libraries and memory layout. Here weights and activations are whole multiples of small
powers of two, and each partial sum stays below 2^53 of these units. Float64 holds all of them
*exactly*, so that their order makes no difference on any machine.

NumPy alone computes them, so that a receiver needs no PyTorch. A layer is a matrix product: a
column of the right factor holds what the taps of the kernel see from one position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from latentink.blas_threads import share_among_threads

WEIGHT_UNIT = 2.0**-16
ACTIVATION_UNIT = 2.0**-13
ACTIVATION_LIMIT = 2.0**11
_UNITS_LIMIT = ACTIVATION_LIMIT / ACTIVATION_UNIT
_EXACT_LIMIT = 2.0**53
# Bytes of the right factor of a strip, which stay in a processor's cache.
_COLUMN_BYTES = 2**22


def to_grid(values: np.ndarray, unit: float) -> np.ndarray:
    """Return ``values`` in float64, rounded to whole multiples of ``unit``.

    Example:
        >>> to_grid(np.array([0.3, -1.24]), 0.25)
        array([ 0.25, -1.25])
    """
    return np.round(np.asarray(values, dtype=np.float64) / unit) * unit


@dataclass(frozen=True)
class Convolution:
    """A convolution that keeps the size, or a transposed one that multiplies it.

    Attributes:
        weight: (C', C, k, k), k odd; of a transposed one (C, C', k, k), as PyTorch has them.
        bias: (C',).
        transposed: whether it is a transposed one.
        stride: by how much a transposed one multiplies height and width; else 1.
        rectified: whether a ReLU follows.
    """

    weight: np.ndarray
    bias: np.ndarray
    transposed: bool = False
    stride: int = 1
    rectified: bool = False


@dataclass(frozen=True)
class _Phase:
    """The taps that see one of the stride² outputs of a position.

    Attributes:
        down, right: which of the outputs, from 0.
        taps: what they see, in rows and columns from the position.
        matrix: (C', taps·C), their weights.
    """

    down: int
    right: int
    taps: list[tuple[int, int]]
    matrix: np.ndarray


class _ExactLayer:
    """A convolution whose weights are on the grid; activations are in units of it."""

    def __init__(self, layer: Convolution) -> None:
        weight = to_grid(layer.weight, WEIGHT_UNIT)
        bias = to_grid(layer.bias, WEIGHT_UNIT)
        if layer.transposed:
            weight = weight.transpose(1, 0, 2, 3)
        largest_sum = np.abs(weight).sum((1, 2, 3)).max() * ACTIVATION_LIMIT
        units = (largest_sum + np.abs(bias).max()) / (WEIGHT_UNIT * ACTIVATION_UNIT)
        if not units < _EXACT_LIMIT:
            raise ValueError("these weights are too large for exact arithmetic in float64")
        self.stride = layer.stride
        self.channels = len(weight)
        self.bias = (bias / ACTIVATION_UNIT)[:, None]
        self.lowest = 0.0 if layer.rectified else -_UNITS_LIMIT
        self.reach = weight.shape[-1] // 2
        sign = -1 if layer.transposed else 1
        self.phases = [
            _phase(weight, down, right, layer.stride, sign)
            for down in range(layer.stride)
            for right in range(layer.stride)
        ]

    def __call__(
        self, values: np.ndarray, finish: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> np.ndarray:
        """Map (C, h, w) to (C', stride·h, stride·w), all in units of the grid, float64.

        Args:
            values: what the layer sees.
            finish: maps what is computed, position by position; its type may be another.
        """
        height, width = values.shape[1:]
        reach, stride = self.reach, self.stride
        padded = np.pad(values, ((0, 0), (reach, reach), (reach, reach)))
        shape = self.channels, height, stride, width, stride
        kind = np.float64 if finish is None else finish(np.zeros(1)).dtype
        out = np.empty(shape, dtype=kind)
        most = max(len(phase.taps) for phase in self.phases)
        rows = max(1, _COLUMN_BYTES // max(1, 8 * most * len(values) * width))

        def compute(top: int) -> None:
            bottom = min(top + rows, height)
            for phase in self.phases:
                made = phase.matrix @ _columns(padded, phase.taps, reach, slice(top, bottom))
                made += self.bias
                np.rint(made, out=made)
                np.clip(made, self.lowest, _UNITS_LIMIT, out=made)
                done = made if finish is None else finish(made)
                part = done.reshape(self.channels, bottom - top, width)
                out[:, top:bottom, phase.down, :, phase.right] = part

        share_among_threads(compute, range(0, height, rows))
        return out.reshape(self.channels, height * stride, width * stride)


class FixedPointSequence:
    """A chain of convolutions, transposed convolutions and ReLUs in exact arithmetic.

    Activations are on the grid of ``ACTIVATION_UNIT`` and clipped to ±``ACTIVATION_LIMIT``.

    Example:
        >>> blur = Convolution(np.full((1, 1, 3, 3), 0.125), np.zeros(1))
        >>> FixedPointSequence([blur])(np.ones((1, 2, 3)))
        array([[[0.5 , 0.75, 0.5 ],
                [0.5 , 0.75, 0.5 ]]])
    """

    def __init__(self, layers: Sequence[Convolution]) -> None:
        """Put the weights of ``layers`` on the grid.

        Raises:
            ValueError: Weights are so large that float64 might round a sum.
        """
        self._layers = [_ExactLayer(layer) for layer in layers]
        self.pointwise = all(layer.weight.shape[-1] == 1 for layer in layers)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Map (C, h, w) float64 to (C', h', w') float64, exactly."""
        made = self.units(values)
        made *= ACTIVATION_UNIT
        return made

    def units(
        self, values: np.ndarray, finish: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> np.ndarray:
        """Return the same in units of ``ACTIVATION_UNIT``, whole numbers.

        Args:
            values: (C, h, w) float64.
            finish: maps whole numbers in float64 to what is wanted of them, one by one.
        """
        units = np.rint(values / ACTIVATION_UNIT)
        np.clip(units, -_UNITS_LIMIT, _UNITS_LIMIT, out=units)
        for layer in self._layers[:-1]:
            units = layer(units)
        return self._layers[-1](units, finish)


def _phase(weight: np.ndarray, down: int, right: int, stride: int, sign: int) -> _Phase:
    """Return the taps of ``weight`` (C', C, k, k) that see one of the outputs of a position."""
    reach = weight.shape[-1] // 2
    taps, parts = [], []
    for row, column in np.ndindex(weight.shape[2:]):
        part = weight[:, :, row, column]
        above, left = down + sign * (row - reach), right + sign * (column - reach)
        # A tap that is zero, as half of a context's, is left out.
        if above % stride == 0 and left % stride == 0 and part.any():
            taps.append((above // stride, left // stride))
            parts.append(part)
    if not taps:
        taps, parts = [(0, 0)], [np.zeros(weight.shape[:2])]
    return _Phase(down, right, taps, np.concatenate(parts, axis=1))


def _columns(
    padded: np.ndarray, taps: Sequence[tuple[int, int]], reach: int, rows: slice
) -> np.ndarray:
    """Return what ``taps`` see from each position of some rows, (taps·C, positions)."""
    channels, width = len(padded), padded.shape[2] - 2 * reach
    columns = np.empty((len(taps), channels, rows.stop - rows.start, width))
    for own, (down, right) in zip(columns, taps, strict=True):
        top, left = reach + down, reach + right
        own[...] = padded[:, rows.start + top : rows.stop + top, left : left + width]
    return columns.reshape(len(taps) * channels, -1)
