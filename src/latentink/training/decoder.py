"""Trains a SteganoGAN encoder and decoder together and ships both.

```
 photo crop ──► dense encoder ──► stego ──► distortion ──► dense decoder ──► logits
                     ▲              │       (recipe)                           │
 random bits ────────┘              └── mean squared error      cross-entropy ─┘
```

Zhang et al., "SteganoGAN", 2019, section 3.4, without the critic: in latentink the editor, not the
encoder, makes the pictures. The encoder serves as a start and for comparison.

Everything random in step n comes from a generator seeded by (seed, n), so that a run resumed from
a checkpoint is the run that was never interrupted, to the last bit on the same machine and thread
count.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from latentink.message_decoders.basic import BasicDecoder, BasicEncoder
from latentink.message_decoders.decoder_file import Decoder, Encoder, save_decoder, save_encoder
from latentink.message_decoders.dense import DenseDecoder, DenseEncoder
from latentink.relaxations.eight_bits import round_to_8_bits
from latentink.training.checkpoints import (
    check_same_recipe,
    checkpoint_path,
    resumable,
)
from latentink.training.photos import Photos, centre_crop, list_photos, split
from latentink.training.recipes import read_recipe
from latentink.training.run import run

LOG_COLUMNS = ("step", "loss", "accuracy", "psnr", "seconds")
_STATE = frozenset({"recipe", "step", "encoder", "decoder", "optimiser"})
# Neither changes what a step computes.
_FREE = frozenset({"photos", "checkpoint_seconds"})


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run yields.

    Attributes:
        architecture: ``"dense"`` or ``"basic"``.
        data_depth: Bits at each pixel.
        hidden: Channels of the inner layers.
        photos: Folder of photos, relative to the working directory.
        steps: Optimiser steps.
        batch: Crops a step.
        crop: Side of a crop in pixels.
        learning_rate: Adam's, at its peak; 3 % of the steps lead up to it and a cosine down to 0.
        image_weight: Weight of the mean squared error (pictures in [0, 1]) beside the
            cross-entropy (nats); SteganoGAN's 100 on [-1, 1] is 400 here.
        image_rise: Share of the steps over which that weight rises from a tenth to the whole, so
            that the pair finds a code before it learns to hide it.
        codec: What lies between encoder and decoder: ``"none"``, or ``"noise"`` for blur, additive
            noise and 8-bit rounding drawn anew for each crop.
        blur: Largest standard deviation of the blur, pixels.
        colour_blur: Standard deviation of the blur of colour alone, pixels; 0 treats it like
            grey. Learned codecs keep almost nothing of fine colour, and a decoder trained without
            this hides its bits exactly there.
        noise: Largest standard deviation of the additive noise, grey levels of 255.
        density: Share of the positions that carry a bit; the others enter neither the encoder nor
            the loss.
        seed: Seed of everything random.
        checkpoint_seconds: Seconds between checkpoints.
    """

    architecture: str = "dense"
    data_depth: int = 1
    hidden: int = 32
    photos: str = "../shared/photos/train"
    steps: int = 3000
    batch: int = 4
    crop: int = 128
    learning_rate: float = 2e-3
    image_weight: float = 400.0
    image_rise: float = 0.3
    codec: str = "none"
    blur: float = 1.0
    colour_blur: float = 0.0
    noise: float = 4.0
    density: float = 1.0
    seed: int = 1
    checkpoint_seconds: float = 30.0


LIMITS: dict[str, tuple[float, float]] = {
    "data_depth": (1, 64),
    "hidden": (1, 512),
    "steps": (1, 1e9),
    "batch": (1, 4096),
    "crop": (16, 4096),
    "learning_rate": (1e-9, 1),
    "image_weight": (0, 1e9),
    "image_rise": (0, 1),
    "blur": (0, 5),
    "colour_blur": (0, 5),
    "noise": (0, 255),
    "density": (1e-4, 1),
    "seed": (0, 2**31),
    "checkpoint_seconds": (0, 1e9),
}
CHOICES = {"architecture": ("dense", "basic"), "codec": ("none", "noise")}


def read_decoder_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file whose keys are the fields of :class:`Recipe`.

    Raises:
        OptionError: see :func:`latentink.training.recipes.read_recipe`.
    """
    return read_recipe(path, Recipe, LIMITS, CHOICES)


# ------------------------------------------------------------------------------ distortion


def blur(picture: Tensor, deviations: Tensor) -> Tensor:
    """Return ``picture`` (B, C, H, W) blurred by a Gaussian of ``deviations`` (B,) pixels each.

    A deviation of 0 leaves the crop as it is; the borders are continued by reflection, so three
    deviations must be fewer pixels than a side.
    """
    batch, channels, height, width = picture.shape
    radius = max(1, math.ceil(3 * float(deviations.max())))
    offsets = torch.arange(-radius, radius + 1, dtype=picture.dtype)
    taps = torch.exp(-0.5 * (offsets / deviations.clamp(min=1e-3)[:, None]) ** 2)
    taps = (taps / taps.sum(1, keepdim=True)).repeat_interleave(channels, dim=0)
    flat = F.pad(picture, [radius] * 4, mode="reflect").flatten(0, 1)[None]
    flat = F.conv2d(flat, taps[:, None, :, None], groups=batch * channels)
    flat = F.conv2d(flat, taps[:, None, None, :], groups=batch * channels)
    return flat.reshape(batch, channels, height, width)


def distort(stego: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    """Return what the decoder is shown in place of ``stego`` (B, 3, H, W).

    With ``codec = "noise"`` each crop draws a blur up to ``recipe.blur`` and noise up to
    ``recipe.noise``, one in four of each being none; colour (what differs from the mean of red,
    green and blue) is blurred by ``recipe.colour_blur`` instead, where that is not 0. With
    ``"none"`` nothing changes.
    """
    if recipe.codec == "none":
        return stego
    strengths = (torch.rand(2, stego.shape[0], generator=generator) * 4 / 3 - 1 / 3).clamp_(min=0)
    if recipe.colour_blur > 0:
        grey = stego.mean(1, keepdim=True)
        colour = blur(stego - grey, torch.full_like(strengths[0], recipe.colour_blur))
        blurred = blur(grey, recipe.blur * strengths[0]) + colour
    else:
        blurred = blur(stego, recipe.blur * strengths[0])
    deviations = recipe.noise / 255 * strengths[1]
    grain = torch.randn(stego.shape, generator=generator) * deviations[:, None, None, None]
    return round_to_8_bits(blurred + grain)


def draw_bits(
    shape: tuple[int, ...], density: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Return bits of 0 and 1 (0.5 where unused) and the mask of used positions, both ``shape``."""
    bits = torch.randint(2, shape, generator=generator).float()
    used = torch.rand(shape, generator=generator) < density
    return torch.where(used, bits, torch.full_like(bits, 0.5)), used


# -------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Figures:
    """What a step or an evaluation measured.

    Attributes:
        loss: Cross-entropy plus the weighted mean squared error.
        accuracy: Share of the used bits that the decoder reads right.
        psnr: PSNR of the stego against the cover, dB, from the mean squared error.
    """

    loss: float
    accuracy: float
    psnr: float

    def row(self) -> list[str]:
        """Return the figures for the log."""
        return [f"{self.loss:.5f}", f"{self.accuracy:.5f}", f"{self.psnr:.3f}"]

    def text(self) -> str:
        """Return the figures for the progress line."""
        return f"loss {self.loss:.3f}  bits {self.accuracy:.2%}  {self.psnr:.2f} dB"


class Trainer:
    """Encoder, decoder, optimiser and the number of steps done."""

    def __init__(self, recipe: Recipe, photos: Photos) -> None:
        self.recipe = recipe
        self.photos = photos
        self.step = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.encoder, self.decoder = _networks(recipe)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimiser = torch.optim.Adam(parameters, lr=recipe.learning_rate)

    def advance(self) -> Figures:
        """Do one optimiser step and return what it measured."""
        recipe = self.recipe
        generator = step_generator(recipe.seed, self.step)
        cover = self.photos.crops(recipe.batch, recipe.crop, generator)
        cover = cover.contiguous(memory_format=torch.channels_last)
        shape = (recipe.batch, recipe.data_depth, recipe.crop, recipe.crop)
        bits, used = draw_bits(shape, recipe.density, generator)
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate * schedule(self.step, recipe.steps)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            stego = self.encoder(cover, bits).float()
            logits = self.decoder(distort(stego, recipe, generator)).float()
        error = F.mse_loss(stego, cover)
        loss = F.binary_cross_entropy_with_logits(logits[used], bits[used])
        loss = (
            loss + recipe.image_weight * rise(self.step, recipe.image_rise * recipe.steps) * error
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.step += 1
        return Figures(loss.item(), share_right(logits[used], bits[used]), mean_psnr(error.item()))

    def state(self) -> dict[str, Any]:
        """Return everything that resuming needs; tensors, numbers and text only."""
        return {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "encoder": self.encoder.state_dict(),
            "decoder": self.decoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` returned.

        Raises:
            OptionError: The state was reached with another recipe; the sentence names a field.
        """
        check_same_recipe(state["recipe"], asdict(self.recipe), _FREE)
        self.encoder.load_state_dict(state["encoder"])
        self.decoder.load_state_dict(state["decoder"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def _networks(recipe: Recipe) -> tuple[Encoder, Decoder]:
    encoder: Encoder
    decoder: Decoder
    if recipe.architecture == "dense":
        encoder = DenseEncoder(recipe.data_depth, recipe.hidden)
        decoder = DenseDecoder(recipe.data_depth, recipe.hidden)
    else:
        encoder = BasicEncoder(recipe.data_depth, recipe.hidden, residual=True)
        decoder = BasicDecoder(recipe.data_depth, recipe.hidden)
    # An untrained last layer would paint over the photo; a tenth of it starts near 30 dB.
    with torch.no_grad():
        last = [module for module in encoder.modules() if isinstance(module, nn.Conv2d)][-1]
        for parameter in last.parameters():
            parameter.mul_(0.1)
    encoder.to(memory_format=torch.channels_last)
    decoder.to(memory_format=torch.channels_last)
    return encoder, decoder


def step_generator(seed: int, step: int) -> Generator:
    """Return the generator of everything random in ``step``."""
    digest = hashlib.sha256(f"latentink decoder {seed} {step}".encode()).digest()
    return Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def schedule(step: int, steps: int) -> float:
    """Return the factor on the learning rate: 3 % linear rise, then a cosine to 0."""
    rise = max(1, round(0.03 * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def rise(step: int, length: float) -> float:
    """Return the factor on the image weight: a tenth, rising to 1 over ``length`` steps."""
    return min(1.0, 0.1 + 0.9 * step / max(1.0, length))


def share_right(logits: Tensor, bits: Tensor) -> float:
    """Return the share of ``bits`` (0 and 1, any shape) whose logits have their sign."""
    right = (logits > 0) == (bits > 0.5)
    return float(right.float().mean()) if right.numel() else math.nan


def mean_psnr(error: float) -> float:
    """Return the PSNR in dB of a mean squared error of pictures in [0, 1]."""
    return -10 * math.log10(max(error, 1e-12))


def evaluate(
    encoder: nn.Module,
    decoder: nn.Module,
    photos: Photos,
    recipe: Recipe,
    distorted: bool,
) -> Figures:
    """Measure on a centre crop (at most 256×256) of every photo, in float32, stego in 8 bits.

    Args:
        encoder: Writes the bits; set to evaluation mode for the measurement.
        decoder: Reads them; likewise.
        photos: What to measure on.
        recipe: Says the density and the distortion.
        distorted: Whether the recipe's distortion lies in between.
    """
    modes = encoder.training, decoder.training
    encoder.eval()
    decoder.eval()
    rows = []
    with torch.no_grad():
        for index in range(len(photos)):
            generator = step_generator(recipe.seed, -1 - index)
            cover = centre_crop(photos.pixels(index), 256)
            shape = (1, recipe.data_depth, *cover.shape[-2:])
            bits, used = draw_bits(shape, recipe.density, generator)
            stego = round_to_8_bits(encoder(cover, bits))
            shown = distort(stego, recipe, generator) if distorted else stego
            logits = decoder(shown)
            error = F.mse_loss(stego, cover)
            loss = F.binary_cross_entropy_with_logits(logits[used], bits[used])
            loss = loss + recipe.image_weight * error
            rows.append(
                (float(loss), share_right(logits[used], bits[used]), mean_psnr(float(error)))
            )
    encoder.train(modes[0])
    decoder.train(modes[1])
    loss_mean, accuracy, psnr = np.mean(np.array(rows), axis=0)
    return Figures(float(loss_mean), float(accuracy), float(psnr))


# ------------------------------------------------------------------------------------- run


def train_decoder(recipe_path: Path, photos: Path | None, out: Path, resume: bool) -> Path:
    """Train after a recipe and export both networks; show progress on the terminal.

    Beside ``out``, the decoder, lie the encoder (``.encoder.safetensors``), the newest checkpoint
    (``.checkpoint.pt``) and the log (``.csv``: step, loss, accuracy, psnr, seconds). Interrupting
    leaves the last two; ``resume`` continues exactly.

    Args:
        recipe_path: TOML file, see :class:`Recipe`.
        photos: Folder of photos in place of the recipe's.
        out: The safetensors file to write; its folder is created.
        resume: Continue from the checkpoint.

    Returns:
        ``out``.

    Raises:
        OptionError: The recipe or the folder of photos does not serve.
        WeightsError: There is no readable checkpoint to resume from.
        OutputError: ``out``, the checkpoint or the log cannot be written.
    """
    recipe = read_decoder_recipe(recipe_path)
    training, held_out = split(list_photos(photos or Path(recipe.photos)))
    trainer = Trainer(recipe, Photos(training))
    if resume:
        trainer.restore(resumable(checkpoint_path(out), _STATE))
    run(trainer, out, LOG_COLUMNS, recipe.steps, recipe.checkpoint_seconds)
    notes = _notes(trainer, recipe_path, Photos(held_out))
    save_decoder(trainer.decoder, out, notes)
    save_encoder(trainer.encoder, encoder_path(out), notes)
    return out


def encoder_path(out: Path) -> Path:
    """Return where the encoder of the decoder at ``out`` goes."""
    return out.with_suffix(".encoder.safetensors")


def _notes(trainer: Trainer, recipe_path: Path, held_out: Photos) -> dict[str, str]:
    """Return what the exported file says about its making, held-out measurement included."""
    clean = evaluate(trainer.encoder, trainer.decoder, held_out, trainer.recipe, distorted=False)
    notes = {
        "recipe": recipe_path.name,
        "steps": str(trainer.step),
        "codec": trainer.recipe.codec,
        "density": f"{trainer.recipe.density:g}",
        "held_out_photos": str(len(held_out)),
        "held_out_accuracy": f"{clean.accuracy:.5f}",
        "held_out_psnr": f"{clean.psnr:.2f}",
    }
    if trainer.recipe.codec != "none":
        rough = evaluate(trainer.encoder, trainer.decoder, held_out, trainer.recipe, distorted=True)
        notes["held_out_accuracy_distorted"] = f"{rough.accuracy:.5f}"
    return notes
