"""The part of a latent that is edited, cut into tiles so that memory does not grow with it."""

from __future__ import annotations

from dataclasses import dataclass

from latentink.codecs.entropy_model import STRIDE
from latentink.geometry import Rectangle

TILE_LATENTS = 64
# One latent more than the synthesis needs: message decoders look a few pixels beyond a tile.
_BEYOND = 1


@dataclass(frozen=True)
class Tile:
    """One tile of the edited window, in latents of the whole photo.

    Attributes:
        core: the latents that this tile answers for; the cores partition the window.
        patch: the core with the halo that its synthesis needs.
    """

    core: Rectangle
    patch: Rectangle

    def pixels(self, window: Rectangle) -> Rectangle:
        """Return the pixels that this tile answers for, in ``window`` (pixels)."""
        return self.core.scaled(STRIDE).clipped(window)


def region_of(window: Rectangle, halo: int, latent_size: tuple[int, int]) -> Rectangle:
    """Return the latents (of the whole photo) that the synthesis of ``window`` looks at.

    Args:
        window: in pixels.
        halo: receptive radius of the synthesis transform, latents.
        latent_size: height and width of the whole photo's latent.
    """
    return window.coarsened(STRIDE).grown(halo + _BEYOND, Rectangle(0, 0, *latent_size))


def tiles_of(window: Rectangle, halo: int, latent_size: tuple[int, int]) -> list[Tile]:
    """Return the tiles of a window; arguments as for :func:`region_of`.

    Example:
        >>> [tile.core.width for tile in tiles_of(Rectangle(0, 0, 64, 2000), 4, (4, 125))]
        [64, 61]
    """
    whole = Rectangle(0, 0, *latent_size)
    covered = window.coarsened(STRIDE)
    tiles = []
    for top in range(covered.top, covered.bottom, TILE_LATENTS):
        for left in range(covered.left, covered.right, TILE_LATENTS):
            core = Rectangle(top, left, top + TILE_LATENTS, left + TILE_LATENTS).clipped(covered)
            tiles.append(Tile(core, core.grown(halo + _BEYOND, whole)))
    return tiles
