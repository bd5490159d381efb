"""The part of a latent that is edited, cut into tiles so that memory does not grow with it."""

from __future__ import annotations

from dataclasses import dataclass

from latentink.codecs.hyperprior import STRIDE, SYNTHESIS_HALO
from latentink.geometry import Rectangle

TILE_LATENTS = 64
# One latent more than the synthesis needs: message decoders look a few pixels beyond a tile.
_HALO = SYNTHESIS_HALO + 1


@dataclass(frozen=True)
class Tile:
    """One tile of the edited window, in latents of the whole photo.

    Attributes:
        core: what this tile answers for; the cores partition the window.
        patch: the core with the halo that its synthesis needs.
    """

    core: Rectangle
    patch: Rectangle


def region_of(window: Rectangle, latent_size: tuple[int, int]) -> Rectangle:
    """Return the latents (of the whole photo) that the synthesis of ``window`` pixels looks at."""
    return window.coarsened(STRIDE).grown(_HALO, Rectangle(0, 0, *latent_size))


def tiles_of(window: Rectangle, latent_size: tuple[int, int]) -> list[Tile]:
    """Return the tiles of a window given in pixels."""
    whole = Rectangle(0, 0, *latent_size)
    covered = window.coarsened(STRIDE)
    tiles = []
    for top in range(covered.top, covered.bottom, TILE_LATENTS):
        for left in range(covered.left, covered.right, TILE_LATENTS):
            core = Rectangle(top, left, top + TILE_LATENTS, left + TILE_LATENTS).clipped(covered)
            tiles.append(Tile(core, core.grown(_HALO, whole)))
    return tiles
