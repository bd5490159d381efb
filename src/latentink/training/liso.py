"""Trains LISO's optimiser and its decoder together.

```
 photo crop, random bits ──► x_1, x_2, …, x_T ──► mean squared error to the crop
                                    │
                                    └──► saved as PNG or JPEG ──► decoder ──► cross-entropy
```

Chen, Kishore, Weinberger, "Learning Iterative Neural Optimizers for Image Steganography", ICLR
2023, equation 4: step t of T counts gamma^(T − t). Unlike the authors' code, the picture is not cut
out of the graph between steps, so that early steps are trained for what later ones make of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from latentink.bundled import bundled
from latentink.critics.steganogan import SteganoGanCritic
from latentink.methods.liso_network import (
    MAX_ITERATIONS,
    Design,
    LisoNetwork,
    save_liso,
    saved,
    start_from,
)
from latentink.methods.saving import SUBSAMPLINGS, Jpeg, Png
from latentink.training.bit_hiding import BitHidingRecipe, BitHidingTask, draw_bits, figures
from latentink.training.recipes import setting
from latentink.training.seeding import seeded
from latentink.training.task import Step, evaluating

# A state that passes T times through the same gates now and then has an exploding gradient.
_LARGEST_GRADIENT = 1.0


@dataclass(frozen=True)
class LisoRecipe(BitHidingRecipe):
    """Everything that decides what training LISO yields.

    ``start`` names bundled weights, LISO's or a message decoder's; random ones take far longer.
    """

    start: str = setting("", "weights to start from; empty: from nothing")
    iterations: int = setting(6, "T, steps of LISO in a step of training", 1, MAX_ITERATIONS)
    gamma: float = setting(0.8, "of the weights gamma^(T − t)", 1e-3, 1)
    saving: str = setting("png", "what lies before the decoder", choices=("png", "jpeg"))
    quality: int = setting(80, "of the JPEG", 1, 100)
    subsampling: str = setting("4:2:0", "of the JPEG", choices=tuple(SUBSAMPLINGS))
    crop: int = 64
    image_weight: float = 100.0
    critic_weight: float = setting(0.0, "of SteganoGAN's critic's score; 0: without", 0, 1e9)

    def design(self) -> Design:
        """Return what the weights are for."""
        saving = Jpeg(self.quality, self.subsampling) if self.saving == "jpeg" else Png()
        return Design(self.data_depth, self.hidden, self.iterations, saving)


class LisoTask(BitHidingTask[LisoRecipe]):
    """LISO's network, and the critic against it."""

    recipe_type = LisoRecipe
    parts = ("network", "critic", "optimiser", "critic_optimiser")

    def build(self) -> None:
        """Make network and critic with an optimiser each."""
        with seeded(self.recipe.seed):
            self.network = LisoNetwork(self.recipe.design())
            # An untrained last layer would paint over the photo.
            with torch.no_grad():
                for parameter in self.network.update.head[-1].parameters():
                    parameter.mul_(0.1)
            if self.recipe.start:
                start_from(self.network, bundled(self.recipe.start))
            self.critic = SteganoGanCritic()
        self.network.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(self.network.parameters())
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters())

    def advance(self, step: Step) -> dict[str, float]:
        """Hide bits in a batch of crops by T steps, then teach the critic the difference."""
        recipe = self.recipe
        cover, bits, _ = step.fabric.to_device(self.draw(step.generator))
        with step.fabric.autocast():
            trace = list(self.network.steps(cover, bits, recipe.iterations))
        image_weight = recipe.image_weight_at(step.number)
        loss = sequence_loss(trace, cover, bits, recipe.gamma, image_weight)
        stego, logits = trace[-1]
        if recipe.critic_weight:
            loss = loss + recipe.critic_weight * self.critic(stego)
        step.descend(self.optimiser, loss, _LARGEST_GRADIENT)
        stego = stego.detach()
        if recipe.critic_weight:
            difference = self.critic(cover) - self.critic(stego)
            step.descend(self.critic_optimiser, difference, None)
            self.critic.clip()
        return figures(loss, logits, bits, F.mse_loss(stego, cover))

    def hide(self, cover: Tensor, generator: Generator, distorted: bool) -> dict[str, float]:
        """Hide bits in a whole photo; see :meth:`BitHidingTask.hide`. The file is all there is."""
        recipe = self.recipe
        bits, _ = draw_bits((1, recipe.data_depth, *cover.shape[-2:]), 1.0, generator)
        with evaluating(self.network):
            trace = [
                (saved(stego, self.network.design.saving).detach(), logits.detach())
                for stego, logits in self.network.steps(cover, bits, recipe.iterations)
            ]
        loss = sequence_loss(trace, cover, bits, recipe.gamma, recipe.image_weight)
        stego, logits = trace[-1]
        return figures(loss, logits, bits, F.mse_loss(stego, cover))

    def export(self, out: Path, notes: dict[str, str]) -> None:
        """Write the network with what it does on held-out photos."""
        save_liso(self.network, out, notes | self.notes())


TASK = LisoTask


def sequence_loss(
    trace: list[tuple[Tensor, Tensor]],
    cover: Tensor,
    bits: Tensor,
    gamma: float,
    image_weight: float,
) -> Tensor:
    """Return the mean loss of the steps, step t of T weighing gamma^(T − t); equation 4.

    Args:
        trace: stego (B, 3, H, W) in [0, 1] and logits (B, D, H, W) after each step.
        cover: (B, 3, H, W) in [0, 1].
        bits: (B, D, H, W) of 0 and 1.
        gamma: in (0, 1].
        image_weight: of the mean squared error, beside the cross-entropy in nats.
    """
    loss, weights = cover.new_zeros(()), 0.0
    for age, (stego, logits) in enumerate(reversed(trace)):
        error = image_weight * F.mse_loss(stego, cover)
        entropy = F.binary_cross_entropy_with_logits(logits, bits)
        loss = loss + gamma**age * (error + entropy)
        weights += gamma**age
    return loss / weights
