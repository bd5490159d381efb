"""What the receiver will see of an edited latent, with rounding relaxed: differentiable.

::

    latent of a tile's patch ──relax──► v̂, R ──g_s──► stego ──message decoder──► logits
                                                        │
                                                        └──cut──► what the terms of Eq. 1 look at
"""

from __future__ import annotations

import torch
from torch import Tensor

from latentink.codecs.codec import Codec, Relaxed
from latentink.codecs.entropy_model import STRIDE
from latentink.editing.cells import Cells
from latentink.editing.objective import TileView
from latentink.editing.presets import Preset
from latentink.editing.task import EditTask
from latentink.editing.tiles import Tile
from latentink.frozen_networks import fast_autocast, frozen_copy
from latentink.geometry import Rectangle
from latentink.losses.accuracy import ACCURACY_LOSSES
from latentink.relaxations.registry import RELAXATIONS


class RelaxedReceiver:
    """Decodes and reads one photo's latent, a tile at a time."""

    def __init__(
        self,
        codec: Codec,
        task: EditTask,
        preset: Preset,
        region: Rectangle,
        noise: torch.Generator,
        with_cells: bool,
    ) -> None:
        """Take what stays the same while the latent changes.

        Args:
            codec: the codec, frozen.
            task: photo, message decoder and bits, as ``EditTask.on_device`` returns it.
            preset: relaxations, and what the terms need to know.
            region: the latents (of the whole photo) that are given to :meth:`look`.
            noise: of the relaxations and of the choice of cells.
            with_cells: whether the objective has terms that look at cells.
        """
        self.codec, self.device = codec.on(task.device), task.device
        self.task, self.preset, self.region = task, preset, region
        self.noise = noise
        self.photo = Rectangle(0, 0, *task.cover.shape[-2:])
        self.window = task.window.clipped(self.photo)
        self.cover = task.cover.contiguous(memory_format=torch.channels_last)
        self.cells = Cells(self.cover, preset.cell, noise) if with_cells else None
        self.synthesis = frozen_copy(self.codec.g_s)
        self.inverse_gain = codec.inverse_gain(task.quality_code).to(task.device)
        self.accuracy_loss = ACCURACY_LOSSES[preset.accuracy_loss](preset.margin)

    def look(self, tile: Tile, latent: Tensor, side: Tensor, temperature: float) -> TileView:
        """Return what the terms of Eq. 1 see of a tile.

        Args:
            tile: which.
            latent: (1, M, h, w) of the region, in units of symbols.
            side: (1, C, h, w) float32 of the region.
            temperature: of the relaxations that have one.
        """
        relaxed = self._relax(tile, latent, side, temperature)
        values = relaxed.values * self.inverse_gain
        values = values.contiguous(memory_format=torch.channels_last)
        with fast_autocast(self.device):
            stego = self.synthesis(values).float()
        logits, bits = self._read(tile, stego)
        pixels = tile.pixels(self.window)
        # Autograd sums the gradients of these parts in the reverse order of their making, and the
        # order of a sum decides its last bits.
        cell = self.cells.draw(tile, pixels, stego, values) if self.cells else None
        bordered = _cut(stego, tile, self._with_border(pixels))
        own = _cut(stego, tile, pixels)
        return TileView(
            cover=self.cover[..., pixels.rows, pixels.columns],
            stego=own,
            bordered=bordered,
            rate=relaxed.bits,
            logits=logits,
            bits=bits,
            cell=cell,
            lagrangian=self.task.lagrangian,
            variation_exponent=self.preset.variation_exponent,
            accuracy_loss=self.accuracy_loss,
        )

    def _relax(self, tile: Tile, latent: Tensor, side: Tensor, temperature: float) -> Relaxed:
        """Return v̂ of the tile's patch and the rate of its core."""
        patch = tile.patch.shifted(self.region)
        as_synthesised = RELAXATIONS[self.preset.synthesis_relaxation](temperature, self.noise)
        as_rated = RELAXATIONS[self.preset.rate_relaxation](temperature, self.noise)
        with fast_autocast(self.device):
            return self.codec.relax(
                latent[..., patch.rows, patch.columns],
                side[..., patch.rows, patch.columns],
                tile.core.shifted(tile.patch),
                as_synthesised,
                as_rated,
            )

    def _read(self, tile: Tile, stego: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (n,) where the tile carries, and the bits wanted there.

        Args:
            tile: which.
            stego: (1, 3, h, w) of its patch.
        """
        task, stride = self.task, self.task.decoder.stride
        pixels = tile.pixels(self.window)
        # The message decoder looks a few pixels beyond the tile, inside the patch.
        seen = pixels.grown(STRIDE, self.photo)
        with fast_autocast(self.device):
            logits = task.decoder.planes(_cut(stego, tile, seen), len(task.wanted))
        place, inner = pixels.shifted(task.window), pixels.shifted(seen)
        rows = slice(place.top // stride, place.bottom // stride)
        columns = slice(place.left // stride, place.right // stride)
        wanted = task.wanted[:, rows, columns]
        top, left = inner.top // stride, inner.left // stride
        logits = logits[0, :, top : top + wanted.shape[1], left : left + wanted.shape[2]].float()
        carrying = wanted != 0
        return logits[carrying], (wanted[carrying] + 1) / 2

    def _with_border(self, pixels: Rectangle) -> Rectangle:
        """Return ``pixels`` with the next row and column of the window, where there are any."""
        return Rectangle(
            pixels.top,
            pixels.left,
            min(pixels.bottom + 1, self.window.bottom),
            min(pixels.right + 1, self.window.right),
        )


def _cut(stego: Tensor, tile: Tile, pixels: Rectangle) -> Tensor:
    """Return ``pixels`` (of the whole photo) of the stego of a tile's patch."""
    inner = pixels.shifted(tile.patch.scaled(STRIDE))
    return stego[..., inner.rows, inner.columns]
