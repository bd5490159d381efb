"""What training message decoders and LISO has in common: random bits are hidden in crops."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Generator, Tensor

from latentink.training.photos import Photos, centre_crop
from latentink.training.recipes import PhotoRecipe, setting
from latentink.training.seeding import batch_seeded
from latentink.training.task import Column, Task


@dataclass(frozen=True)
class BitHidingRecipe(PhotoRecipe):
    """What decides how networks learn to hide bits.

    ``image_weight`` is against the cross-entropy in nats, with pictures in [0, 1]: the 100 of
    SteganoGAN's authors on [-1, 1] is 400 here, the 1 of LISO's is 4. It rises slowly, so that the
    networks find a code before they learn to hide it.
    """

    data_depth: int = setting(1, "bits at each pixel", 1, 64)
    hidden: int = setting(32, "channels of the inner layers", 1, 512)
    image_weight: float = setting(400.0, "weight of the mean squared error", 0, 1e9)
    image_rise: float = setting(0.3, "share of the steps in which that rises from a tenth", 0, 1)

    def image_weight_at(self, step: int) -> float:
        """Return the weight of the mean squared error at ``step``, counted from 0."""
        length = self.image_rise * self.steps
        return self.image_weight * min(1.0, 0.1 + 0.9 * step / max(1.0, length))


B = TypeVar("B", bound=BitHidingRecipe)


def figures(loss: Tensor, logits: Tensor, bits: Tensor, error: Tensor) -> dict[str, float]:
    """Return the loss, the share of bits that read right, and the stego's PSNR in dB.

    Args:
        loss: scalar.
        logits: any shape; positive is bit 1.
        bits: 0 and 1, same shape.
        error: mean squared error of pictures in [0, 1], scalar.
    """
    right = (logits > 0) == (bits > 0.5)
    accuracy = float(right.float().mean()) if right.numel() else math.nan
    psnr = -10 * math.log10(max(error.item(), 1e-12))
    return {"loss": loss.item(), "accuracy": accuracy, "psnr": psnr}


class BitHidingTask(Task[B, Photos]):
    """Networks that hide bits in a photo and read them."""

    seed_word = "decoder"
    columns = (
        Column("loss", ".5f", "loss {:.3f}"),
        Column("accuracy", ".5f", "bits {:.2%}"),
        Column("psnr", ".3f", "{:.2f} dB"),
    )

    def draw(self, generator: Generator, density: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """Return crops (B, 3, S, S) in [0, 1], and their bits (B, D, S, S) as ``draw_bits``."""
        recipe = self.recipe
        cover = self.training.crops(recipe.batch, recipe.crop, generator)
        shape = (recipe.batch, recipe.data_depth, recipe.crop, recipe.crop)
        return (cover, *draw_bits(shape, density, generator))

    @abstractmethod
    def hide(self, cover: Tensor, generator: Generator, distorted: bool) -> dict[str, float]:
        """Hide bits in a whole photo as its file shows it, in float32, and return the figures.

        Args:
            cover: (1, 3, H, W) in [0, 1].
            generator: of everything random.
            distorted: whether what the recipe trains against lies in between.
        """

    def measure(self, distorted: bool = False) -> dict[str, float]:
        """Return the mean of :meth:`hide` over the held-out photos' centres, at most 256×256."""
        rows = []
        for index in range(len(self.held_out)):
            cover = centre_crop(self.held_out.pixels(index))
            with batch_seeded(self.seed_word, self.recipe.seed, -1 - index) as generator:
                rows.append(self.hide(cover, generator, distorted))
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    def notes(self) -> dict[str, str]:
        """Return what the networks do on held-out photos, for the exported file."""
        found = self.measure()
        return {
            "held_out_photos": str(len(self.held_out)),
            "held_out_accuracy": f"{found['accuracy']:.5f}",
            "held_out_psnr": f"{found['psnr']:.2f}",
        }


def draw_bits(
    shape: tuple[int, ...], density: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Return bits of 0 and 1 (0.5 where unused) and the mask of used positions, both ``shape``."""
    bits = torch.randint(2, shape, generator=generator).float()
    used = torch.rand(shape, generator=generator) < density
    return torch.where(used, bits, torch.full_like(bits, 0.5)), used
