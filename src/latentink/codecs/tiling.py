"""Apply a convolutional network to a large picture in tiles, without seams.

Each tile is computed with a halo around it, which is at least as wide as the network's receptive
radius and then cropped. Each sample of the output therefore depends on the same neighbourhood as if
the picture were computed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import torch
from torch import Tensor


def apply_in_tiles(
    network: Callable[[Tensor], Tensor],
    values: Tensor,
    *,
    tile: int,
    halo: int,
    scale: Fraction,
    known: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Return ``network(values)``, computed tile by tile.

    Args:
        network: Maps (1, C, a, b) to (1, C', a·scale, b·scale).
        values: The input, (1, C, h, w); each side is a multiple of the denominator of ``scale``.
        tile: Side of a tile in samples of the input, a multiple of that denominator.
        halo: Receptive radius in samples of the input, a multiple of that denominator.
        scale: Samples of the output for each sample of the input along a side.
        known: Another input of the same size and its output; tiles whose input is the same in both
            are copied from there.

    Example:
        >>> blur = torch.nn.AvgPool2d(3, stride=1, padding=1)
        >>> values = torch.rand(1, 1, 40, 40)
        >>> tiled = apply_in_tiles(blur, values, tile=16, halo=1, scale=Fraction(1))
        >>> torch.allclose(tiled[..., 1:-1, 1:-1], blur(values)[..., 1:-1, 1:-1])
        True
    """
    height, width = values.shape[-2:]
    if height <= tile + 2 * halo and width <= tile + 2 * halo:
        return network(values)
    output: Tensor | None = None
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            upper, start = max(top - halo, 0), max(left - halo, 0)
            seen = (
                ...,
                slice(upper, min(bottom + halo, height)),
                slice(start, min(right + halo, width)),
            )
            place = (..., _span(top, bottom, scale), _span(left, right, scale))
            if known is not None and torch.equal(values[seen], known[0][seen]):
                output = torch.empty_like(known[1]) if output is None else output
                output[place] = known[1][place]
                continue
            result = network(values[seen])
            if output is None:
                size = (int(height * scale), int(width * scale))
                output = torch.empty((1, result.shape[1], *size), dtype=result.dtype)
            output[place] = result[
                ...,
                _span(top - upper, bottom - upper, scale),
                _span(left - start, right - start, scale),
            ]
    assert output is not None
    return output


def _span(first: int, last: int, scale: Fraction) -> slice:
    return slice(int(first * scale), int(last * scale))
