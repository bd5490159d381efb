"""Run a convolutional network over a large picture in tiles, without seams.

Each tile is computed with a halo at least as wide as the network's receptive radius and cropped,
so every output sample sees exactly the neighbourhood that it would see in the whole picture.
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
    """Return ``network(values)`` for (1, C, h, w) input, computed tile by tile.

    Args:
        network: maps (1, C, a, b) to (1, C', a·scale, b·scale).
        values: the input; each side a multiple of the denominator of ``scale``.
        tile: side of a tile in input samples, a multiple of that denominator.
        halo: receptive radius in input samples, a multiple of that denominator.
        scale: output samples per input sample.
        known: another input of the same size with its output; tiles that see the same are copied.
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
