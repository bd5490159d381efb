"""Cells: the part of a tile that LPIPS, discriminator and detector look at in one step.

These networks cost more than the synthesis transform, so each step shows them one cell of a tile,
drawn anew each time, and takes what they say of it for the whole tile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from latentink.codecs.entropy_model import STRIDE
from latentink.editing.tiles import Tile
from latentink.geometry import Rectangle

Measured = TypeVar("Measured")

# LPIPS's features of a 128×128 cell take 10 MB.
_CELLS_KEPT = 64


@dataclass(frozen=True)
class Cell:
    """One cell of a photo and of its stego.

    Attributes:
        cover: (1, 3, h, w) in [0, 1].
        stego: same shape, differentiable.
        latent: (1, M, ⌈h/16⌉, ⌈w/16⌉) there, as g_s sees it, differentiable.
        measured: what :meth:`of_cover` remembers of this cell.
    """

    cover: Tensor
    stego: Tensor
    latent: Tensor
    measured: dict[Callable[[Tensor], Any], Any] = field(default_factory=dict)

    def of_cover(self, measure: Callable[[Tensor], Measured]) -> Measured:
        """Return ``measure(cover)``, remembered for up to 64 cells: the cover never changes."""
        if measure not in self.measured:
            self.measured[measure] = measure(self.cover)
        result: Measured = self.measured[measure]
        return result


class Cells:
    """Draws the cells of one photo."""

    def __init__(self, cover: Tensor, side: int, generator: torch.Generator) -> None:
        """Take the photo.

        Args:
            cover: (1, 3, H, W) in [0, 1].
            side: of a cell, pixels, a multiple of 16; 0: each tile is one cell.
            generator: draws the cells.
        """
        self.cover, self.side, self.generator = cover, side, generator
        self._measured: dict[Rectangle, dict[Callable[[Tensor], Any], Any]] = {}

    def draw(self, tile: Tile, pixels: Rectangle, stego: Tensor, latent: Tensor) -> Cell:
        """Return a cell of a tile.

        Args:
            tile: the tile.
            pixels: what it answers for.
            stego: (1, 3, h, w) of the tile's patch.
            latent: (1, M, h/16, w/16) of the tile's patch, as g_s sees it.
        """
        cell = self._place(pixels)
        inner = cell.shifted(tile.patch.scaled(STRIDE))
        below = cell.coarsened(STRIDE).shifted(tile.patch)
        return Cell(
            cover=self.cover[..., cell.rows, cell.columns],
            stego=stego[..., inner.rows, inner.columns],
            latent=latent[..., below.rows, below.columns],
            measured=self._memory(cell),
        )

    def _place(self, pixels: Rectangle) -> Rectangle:
        """Return a cell of ``pixels``; the last of a row or column overlaps the one before."""
        if not self.side:
            return pixels
        corner = []
        for start, length in ((pixels.top, pixels.height), (pixels.left, pixels.width)):
            last = max(-(-(length - self.side) // STRIDE) * STRIDE, 0)
            count = -(-last // self.side) + 1
            index = int(torch.randint(count, (), generator=self.generator))
            corner.append(start + min(index * self.side, last))
        top, left = corner
        return Rectangle(top, left, top + self.side, left + self.side).clipped(pixels)

    def _memory(self, cell: Rectangle) -> dict[Callable[[Tensor], Any], Any]:
        if len(self._measured) < _CELLS_KEPT:
            return self._measured.setdefault(cell, {})
        return self._measured.get(cell, {})
