"""Apply convolutional networks to large pictures piece by piece, without seams.

Each piece is computed with a halo around it, which is at least as wide as the network's receptive
radius and then cropped, so that each sample of the output depends on the same neighbourhood as if
the picture were computed at once. There are two kinds:

* *Strips* of full width, a thread for each. oneDNN's convolutions give every sample the same bits
  whatever the height is, so neither strips nor threads change a result.
* *Regions*, one after the other, so that a large picture needs little memory. Their width does
  change last bits, and with them a few pixels by a grey level, so it stays as it is.

A transform is applied in *parts* of a few layers: halos of strips are narrow then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from threading import Lock

import torch
from torch import Tensor, nn

from latentink.threads import run_in_threads

# Each of two threads has a strip if that is at least so many halos high.
_LEAST_HALOS = 3

_Slices = tuple[slice, slice]


@dataclass(frozen=True)
class Part:
    """Some layers of a transform, one after the other.

    Attributes:
        layers: how many.
        strip: most rows of a strip, in samples of the input.
        halo: receptive radius in samples of the input.
        scale: samples of the output for each sample of the input along a side; its denominator
            divides strip and halo.
    """

    layers: int
    strip: int
    halo: int
    scale: Fraction


def apply_in_parts(network: nn.Sequential, values: Tensor, parts: Sequence[Part]) -> Tensor:
    """Return ``network(values)``, computed part by part, each in strips.

    Args:
        network: as many layers as the parts have together.
        values: (1, C, h, w).
        parts: in their order.
    """
    first = 0
    for part in parts:
        layers = network[first : first + part.layers]
        first += part.layers
        values = apply_in_strips(layers, values, strip=part.strip, halo=part.halo, scale=part.scale)
    return values


def apply_in_strips(
    network: Callable[[Tensor], Tensor], values: Tensor, *, strip: int, halo: int, scale: Fraction
) -> Tensor:
    """Return ``network(values)``, computed strip by strip in threads, without gradients.

    Args:
        network: Maps (B, C, a, b) to (B, C ⌈a·scale⌉, ⌈b·scale⌉); threads share it.
        values: The input, (B, C, h, w).
        strip: Most rows of a strip, in samples of the input, a multiple of the denominator of
            ``scale``.
        halo: Receptive radius in samples of the input, a multiple of that denominator.
        scale: Samples of the output for each sample of the input along a side.

    Example:
        >>> blur = torch.nn.AvgPool2d(3, stride=1, padding=1)
        >>> values = torch.rand(1, 1, 40, 40)
        >>> stripped = apply_in_strips(blur, values, strip=16, halo=1, scale=Fraction(1))
        >>> torch.allclose(stripped, blur(values))
        True
    """
    height, width = values.shape[-2:]
    output = _Output((height, width), scale)

    def compute(seen: slice, place: slice, inner: slice) -> None:
        result = network(values[..., seen, :])
        everywhere = slice(None)
        output.put(result, (place, everywhere), (inner, everywhere))

    run_in_threads(
        compute,
        [_along(*ends, height, halo, scale) for ends in _strips(height, strip, halo, scale)],
    )
    return output.whole


def apply_in_regions(
    transform: Callable[[Tensor], Tensor],
    values: Tensor,
    *,
    height: int,
    width: int,
    halo: int,
    scale: Fraction,
    known: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Return ``transform(values)``, one region after the other.

    Args:
        transform: Maps (1, C, a, b) to (1, C', a·scale, b·scale).
        values: The input, (1, C, h, w); what is no larger than a region with its halo each way is a
            single region.
        height: Of a region, in samples of the input, a multiple of the denominator of ``scale``.
        width: The same across; results depend on it in their last bits.
        halo: Receptive radius in samples of the input, a multiple of that denominator.
        scale: Samples of the output for each sample of the input along a side.
        known: Another input of the same size and its output; regions whose input is the same in
            both are copied from there.
    """
    sides = values.shape[-2], values.shape[-1]
    if max(sides) <= width + 2 * halo:
        return transform(values)
    output = _Output(sides, scale)
    rows, columns = (
        [
            _along(begin, min(begin + step, side), side, halo, scale)
            for begin in range(0, side, step)
        ]
        for side, step in zip(sides, (height, width), strict=True)
    )
    for row in rows:
        for column in columns:
            seen, place, inner = zip(row, column, strict=True)
            given = values[:, :, seen[0], seen[1]]
            if known is not None and torch.equal(given, known[0][:, :, seen[0], seen[1]]):
                same = known[1][:, :, place[0], place[1]]
                output.put(same, place, (slice(None), slice(None)))
            else:
                output.put(transform(given), place, inner)
    return output.whole


class _Output:
    """What pieces make together, with the channels, type and layout of the first of them."""

    whole: Tensor

    def __init__(self, sides: tuple[int, int], scale: Fraction) -> None:
        """Expect pieces of an input with these sides."""
        self._size = torch.Size(_up(side, scale) for side in sides)
        self._lock, self._begun = Lock(), False

    def put(self, result: Tensor, place: _Slices, inner: _Slices) -> None:
        """Put the ``inner`` part of a piece's result in its place."""
        with self._lock:
            if not self._begun:
                self.whole = self._like(result)
                self._begun = True
        if self.whole is not result:
            self.whole[:, :, place[0], place[1]] = result[:, :, inner[0], inner[1]]

    def _like(self, result: Tensor) -> Tensor:
        if result.shape[-2:] == self._size:
            return result
        layout = torch.contiguous_format if result.is_contiguous() else torch.channels_last
        shape = (*result.shape[:2], *self._size)
        return torch.empty(shape, dtype=result.dtype, memory_format=layout)


def _strips(height: int, strip: int, halo: int, scale: Fraction) -> Iterator[tuple[int, int]]:
    """Yield the ends of strips that are about equally high: two at least, unless they are low."""
    few = 2 if height >= 2 * _LEAST_HALOS * halo else 1
    rows = -(-height // max(few, -(-height // strip)))
    rows += -rows % scale.denominator
    for begin in range(0, height, rows):
        yield begin, min(begin + rows, height)


def _along(
    begin: int, end: int, side: int, halo: int, scale: Fraction
) -> tuple[slice, slice, slice]:
    """Return what a piece from ``begin`` to ``end`` sees, its place, and its part of its result."""
    first, last = max(begin - halo, 0), min(end + halo, side)
    place = slice(_up(begin, scale), _up(end, scale))
    inner = slice(place.start - _up(first, scale), place.stop - _up(first, scale))
    return slice(first, last), place, inner


def _up(samples: int, scale: Fraction) -> int:
    return -int(-samples * scale // 1)
