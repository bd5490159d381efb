"""Trains a SteganoGAN encoder and decoder together and ships both.

```
 photo crop ──► dense encoder ──► stego ──► distortion ──► dense decoder ──► logits
                     ▲              │       (recipe)                           │
 random bits ────────┘              └── mean squared error      cross-entropy ─┘
```

Zhang et al., "SteganoGAN", 2019, section 3.4, without the critic: in latentink the editor, not the
encoder, makes the pictures. The encoder serves as a start and for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from latentink.message_decoders.decoder_file import (
    ARCHITECTURES,
    ENCODERS,
    save_decoder,
    save_encoder,
)
from latentink.message_decoders.distortion import Distortion
from latentink.relaxations.eight_bits import round_to_8_bits
from latentink.training.bit_hiding import BitHidingRecipe, BitHidingTask, draw_bits, figures
from latentink.training.recipes import setting
from latentink.training.seeding import seeded
from latentink.training.task import Step, evaluating


@dataclass(frozen=True)
class MessageDecoderRecipe(BitHidingRecipe):
    """Everything that decides what training an encoder and a decoder yields.

    Where the density is below 1, the other positions enter neither the encoder nor the loss.
    """

    architecture: str = setting("dense", "of both networks", choices=tuple(ARCHITECTURES))
    learning_rate: float = 2e-3
    codec: str = setting("none", "what lies between the two", choices=("none", "noise"))
    blur: float = setting(1.0, "largest blur, pixels; see Distortion", 0, 5)
    colour_blur: float = setting(0.0, "blur of colour, pixels; 0 treats it like grey", 0, 5)
    noise: float = setting(4.0, "largest noise, grey levels of 255", 0, 255)
    density: float = setting(1.0, "share of the positions that carry a bit", 1e-4, 1)


class MessageDecoderTask(BitHidingTask[MessageDecoderRecipe]):
    """An encoder and a decoder, trained together."""

    recipe_type = MessageDecoderRecipe
    parts = ("encoder", "decoder", "optimiser")

    def build(self) -> None:
        """Make both networks with one optimiser, and what lies between them."""
        recipe = self.recipe
        self.distort = Distortion(recipe.blur, recipe.colour_blur, recipe.noise)
        with seeded(recipe.seed):
            encoder = "residual" if recipe.architecture == "basic" else recipe.architecture
            self.encoder = ENCODERS[encoder](recipe.data_depth, recipe.hidden)
            self.decoder = ARCHITECTURES[recipe.architecture](recipe.data_depth, recipe.hidden)
        # An untrained last layer would paint over the photo; a tenth of it starts near 30 dB.
        last = [layer for layer in self.encoder.modules() if isinstance(layer, nn.Conv2d)][-1]
        with torch.no_grad():
            for parameter in last.parameters():
                parameter.mul_(0.1)
        self.encoder.to(memory_format=torch.channels_last)
        self.decoder.to(memory_format=torch.channels_last)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimiser = torch.optim.Adam(parameters)

    def advance(self, step: Step) -> dict[str, float]:
        """Hide bits in a batch of crops and read them."""
        recipe = self.recipe
        batch = self.draw(step.generator, recipe.density)
        cover, bits, used = step.fabric.to_device(batch)
        with step.fabric.autocast():
            stego = self.encoder(cover, bits).float()
            shown = self.distort(stego, step.generator) if recipe.codec == "noise" else stego
            logits = self.decoder(shown).float()
        error = F.mse_loss(stego, cover)
        loss = F.binary_cross_entropy_with_logits(logits[used], bits[used])
        loss = loss + recipe.image_weight_at(step.number) * error
        step.descend(self.optimiser, loss, None)
        return figures(loss, logits[used], bits[used], error)

    @torch.no_grad()
    def hide(self, cover: Tensor, generator: Generator, distorted: bool) -> dict[str, float]:
        """Hide bits in a whole photo; see :meth:`BitHidingTask.hide`."""
        shape = (1, self.recipe.data_depth, *cover.shape[-2:])
        bits, used = draw_bits(shape, self.recipe.density, generator)
        with evaluating(self.encoder, self.decoder):
            stego = round_to_8_bits(self.encoder(cover, bits))
            shown = self.distort(stego, generator) if distorted else stego
            logits = self.decoder(shown)[used]
        error = F.mse_loss(stego, cover)
        loss = F.binary_cross_entropy_with_logits(logits, bits[used])
        return figures(loss + self.recipe.image_weight * error, logits, bits[used], error)

    def export(self, out: Path, notes: dict[str, str]) -> None:
        """Write the decoder, and the encoder beside it, as .encoder.safetensors."""
        notes |= {"codec": self.recipe.codec, "density": f"{self.recipe.density:g}"} | self.notes()
        if self.recipe.codec != "none":
            accuracy = self.measure(distorted=True)["accuracy"]
            notes["held_out_accuracy_distorted"] = f"{accuracy:.5f}"
        save_decoder(self.decoder, out, notes)
        save_encoder(self.encoder, out.with_suffix(".encoder.safetensors"), notes)


TASK = MessageDecoderTask
