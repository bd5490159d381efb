"""L_perc and L_adv of Eq. 1, and a detector to evade: computed on one cell of a tile a step.

These networks cost more than the synthesis transform, so a step looks at one cell, drawn anew each
time, and takes it for the whole tile. The features of the cover, which never change, are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from latentink.codecs.codec import STRIDE
from latentink.critics.discriminator import Discriminator, load_discriminator
from latentink.critics.lpips import Features, PerceptualLoss
from latentink.editing.presets import Weights
from latentink.geometry import Rectangle
from latentink.losses.adversarial import adversarial
from latentink.losses.evasion import evasion
from latentink.steganalysis.network_detector import load_detector, logit_difference

# Features of a 128×128 cell take 10 MB.
_CELLS_KEPT = 64


@dataclass(frozen=True)
class Judges:
    """The networks that say how a picture looks; None where a term is off.

    Attributes:
        perceptual: LPIPS.
        discriminator: of the codec's pictures.
        detector: of stegos, to be evaded: maps (B, 3, h, w) in [0, 1] to logits (B, 2).
    """

    perceptual: PerceptualLoss | None = None
    discriminator: Discriminator | None = None
    detector: nn.Module | None = None


@dataclass(frozen=True)
class Looks:
    """What the judges make of a tile: scalars, each a mean times the tile's pixels.

    Attributes:
        perceptual: L_perc.
        adversarial: L_adv.
        evasion: see losses/evasion.py.
    """

    perceptual: Tensor
    adversarial: Tensor
    evasion: Tensor


def judges_for(
    weights: Weights, architecture: str, fingerprint: bytes, evade: Path | None = None
) -> Judges:
    """Return the networks that the weights of Eq. 1 ask for.

    Args:
        weights: of a preset.
        architecture: of the codec.
        fingerprint: of its weights, which the discriminator was trained with.
        evade: file of a detector to evade, or None.

    Raises:
        WeightsError: one of them is not there, or belongs to other weights.
    """
    return Judges(
        perceptual=PerceptualLoss() if weights.perceptual else None,
        discriminator=load_discriminator(architecture, fingerprint)
        if weights.adversarial
        else None,
        detector=load_detector(evade).network if evade is not None else None,
    )


class Appearance:
    """What the judges make of parts of a photo's stego."""

    def __init__(
        self, cover: Tensor, judges: Judges, side: int, generator: torch.Generator
    ) -> None:
        """Take the photo.

        Args:
            cover: (1, 3, H, W) in [0, 1].
            judges: the networks.
            side: of a cell, pixels, a multiple of 16; 0: every tile is one cell.
            generator: of the choice of cells.
        """
        self.cover, self.judges, self.side = cover, judges, side
        self.generator = generator
        self._features: dict[Rectangle, Features] = {}

    def terms(self, place: Rectangle, stego: Tensor, latent: Tensor) -> Looks:
        """Return what the judges say of a tile.

        Args:
            place: pixels of the photo, on the latents' grid.
            stego: (1, 3, h, w) in [0, 1] there, differentiable.
            latent: (1, M, ⌈h/16⌉, ⌈w/16⌉) there, as g_s sees it, differentiable.
        """
        off = stego.new_zeros(())
        if self.judges == Judges():
            return Looks(off, off, off)
        pixels = place.height * place.width
        cell = self._draw(place)
        inner = cell.shifted(place)
        part = stego[..., inner.rows, inner.columns]
        looks = off
        if self.judges.perceptual is not None:
            looks = pixels * self.judges.perceptual.distance(self._features_at(cell), part)
        seems = off
        if self.judges.discriminator is not None:
            there = inner.coarsened(STRIDE)
            hint = latent[..., there.rows, there.columns]
            seems = pixels * adversarial(self.judges.discriminator(part, hint))
        caught = off
        if self.judges.detector is not None:
            caught = pixels * evasion(logit_difference(self.judges.detector(part)))
        return Looks(looks, seems, caught)

    def _draw(self, place: Rectangle) -> Rectangle:
        """Return a cell of ``place``; the last of a row or column overlaps the one before."""
        if not self.side:
            return place
        corner = []
        for start, length in ((place.top, place.height), (place.left, place.width)):
            last = max(-(-(length - self.side) // STRIDE) * STRIDE, 0)
            count = -(-last // self.side) + 1
            index = int(torch.randint(count, (), generator=self.generator))
            corner.append(start + min(index * self.side, last))
        top, left = corner
        return Rectangle(top, left, top + self.side, left + self.side).clipped(place)

    def _features_at(self, cell: Rectangle) -> Features:
        if cell in self._features:
            return self._features[cell]
        assert self.judges.perceptual is not None
        features = self.judges.perceptual.features(self.cover[..., cell.rows, cell.columns])
        if len(self._features) < _CELLS_KEPT:
            self._features[cell] = features
        return features
