"""Trains HiFiC's discriminator to tell photos from what a finished codec makes of them.

::

    photo crop x ──g_a, ×g, quantise──► v̂·g' ──g_s, 8 bits──► x̂
          │                               │                    │
          └────► discriminator ◄──────────┴──► discriminator ◄─┘      both under the same latent
                   "photo"                      "reconstruction"

Mentzer et al. 2020, "High-Fidelity Generative Image Compression". The codec stays as it is: the
discriminator ships for the editor's adversarial term (Eq. 3), where the latent alone is optimised.

v̂ comes from the codec's own context model. round(v) would do for the hyperprior, but not for ELIC,
which rounds what its mean leaves: with early weights, its picture from round(v) at quality 3 was
20 grey levels (rms) away from the receiver's.

Everything random in step n comes from a generator seeded by (seed, n), so that a run resumed from
a checkpoint is the run that was never interrupted, to the last bit on the same machine and thread
count.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from latentink.codecs.codec import STRIDE, Codec
from latentink.codecs.registry import CODEC_NAMES, load_codec
from latentink.critics.discriminator import MAX_WIDTH, Discriminator, save_discriminator
from latentink.errors import OptionError, WeightsError
from latentink.geometry import Rectangle
from latentink.losses.adversarial import discrimination
from latentink.relaxations.eight_bits import round_to_8_bits
from latentink.tensor_files import fill
from latentink.training.checkpoints import (
    check_same_recipe,
    checkpoint_path,
    resumable,
)
from latentink.training.decoder import schedule
from latentink.training.logs import training_progress
from latentink.training.photos import Photos, centre_crop, list_photos, split
from latentink.training.recipes import read_recipe
from latentink.training.run import run

LOG_COLUMNS = ("step", "loss", "accuracy", "seconds")
HELD_OUT_SIDE = 256
_BETAS = (0.5, 0.9)
_LAST_GAIN = 10.0
_STATE = frozenset({"recipe", "step", "codec_fingerprint", "network", "optimiser"})
# Neither changes what a step computes.
_FREE = frozenset({"photos", "checkpoint_seconds"})


@dataclass(frozen=True)
class DiscriminatorRecipe:
    """Everything that decides what a training run yields.

    Attributes:
        codec: ``"hyperprior"`` or ``"elic"``: whose bundled weights make the reconstructions.
        width: channels of the first 4×4 convolution, doubled by each of the next three; HiFiC's
            is 64.
        photos: folder of photos, relative to the working directory.
        steps: optimiser steps.
        batch: crops a step, each seen as photo and as reconstruction.
        crop: side of a crop, a multiple of 16 pixels.
        smallest_scale: crops are reduced by a random factor from here to 1, which removes the
            traces of JPEG; a discriminator that looks for those is of no use to the editor.
        learning_rate: Adam's, at its peak; 3 % of the steps lead up to it and a cosine down to 0.
        seed: of everything random.
        checkpoint_seconds: between checkpoints.
    """

    codec: str = "hyperprior"
    width: int = 32
    photos: str = "../shared/photos/train"
    steps: int = 5000
    batch: int = 4
    crop: int = 128
    smallest_scale: float = 0.5
    learning_rate: float = 4e-4
    seed: int = 1
    checkpoint_seconds: float = 30.0


_LIMITS: dict[str, tuple[float, float]] = {
    "width": (1, MAX_WIDTH),
    "steps": (1, 1e9),
    "batch": (1, 4096),
    "crop": (STRIDE, 4096),
    "smallest_scale": (0.1, 1),
    "learning_rate": (1e-9, 1),
    "seed": (0, 2**31),
    "checkpoint_seconds": (0, 1e9),
}
_CHOICES = {"codec": CODEC_NAMES}


def read_discriminator_recipe(path: Path) -> DiscriminatorRecipe:
    """Read a recipe from a TOML file whose keys are the fields of :class:`DiscriminatorRecipe`.

    Raises:
        OptionError: see :func:`latentink.training.recipes.read_recipe`; also a crop that is no
            multiple of 16.
    """
    recipe = read_recipe(path, DiscriminatorRecipe, _LIMITS, _CHOICES)
    if recipe.crop % STRIDE:
        raise OptionError(f"The recipe {path} gives crop = {recipe.crop}, no multiple of {STRIDE}.")
    return recipe


# ------------------------------------------------------------------------- reconstructions


@torch.no_grad()
def reconstruct(
    codec: Codec, picture: Tensor, quality_codes: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Return latents (B, M, h, w) as g_s sees them, and reconstructions (B, 3, H, W) in 8 bits.

    For training: everything runs on the whole batch at once, the transforms in bf16 and the context
    model in float32; :func:`receive` has what the receiver gets.

    Args:
        codec: any.
        picture: (B, 3, H, W) in [0, 1], sides multiples of 16.
        quality_codes: quality of each picture, in units of ``QUALITY_UNIT``.
    """
    gains = torch.cat([codec.gain(code) for code in quality_codes])
    inverse_gains = torch.cat([codec.inverse_gain(code) for code in quality_codes])
    picture = picture.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        v = codec.g_a(picture).float() * gains
    latent = _rounded(codec, v.contiguous()) * inverse_gains
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = codec.g_s(latent.contiguous(memory_format=torch.channels_last))
    return latent, round_to_8_bits(made.float())


@torch.no_grad()
def receive(codec: Codec, picture: Tensor, quality_code: int) -> tuple[Tensor, Tensor]:
    """Return latent (1, M, h, w) as g_s sees it, and the receiver's picture (1, 3, H, W), 8 bits.

    Args:
        codec: any.
        picture: (1, 3, H, W) in [0, 1], any size.
        quality_code: quality in units of ``QUALITY_UNIT``.
    """
    v = codec.analyse(picture, quality_code)
    values = codec.quantise(v, codec.hyper_analyse(v), quality_code).values
    made = codec.synthesise(values, quality_code, (picture.shape[-2], picture.shape[-1]))
    return torch.from_numpy(values)[None] * codec.inverse_gain(quality_code), round_to_8_bits(made)


def _rounded(codec: Codec, v: Tensor) -> Tensor:
    """Return v̂ (B, M, h, w) of a batch ``v``, nearly as :meth:`Codec.quantise` makes it."""
    height, width = v.shape[-2:]
    rows = v.split(1)
    side = torch.cat([codec.side(codec.hyper_analyse(row), (height, width)) for row in rows])
    whole = Rectangle(0, 0, height, width)
    return codec.relax(v, side.float(), whole, torch.round, torch.round).values


def draw_qualities(codec: Codec, count: int, generator: Generator) -> list[int]:
    """Return ``count`` random qualities of the codec, in units of ``QUALITY_UNIT``."""
    low, high = codec.quality_code(codec.qualities[0]), codec.quality_code(codec.qualities[-1])
    return torch.randint(low, high + 1, (count,), generator=generator).tolist()


# -------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Figures:
    """What a step measured.

    Attributes:
        loss: L_D, nats per pair of patches; 1.386 is guessing.
        accuracy: share of the patches, photo or reconstruction, that are told right.
    """

    loss: float
    accuracy: float

    def row(self) -> list[str]:
        """Return the figures for the log."""
        return [f"{self.loss:.5f}", f"{self.accuracy:.5f}"]

    def text(self) -> str:
        """Return the figures for the progress line."""
        return f"loss {self.loss:.3f}  told right {self.accuracy:.1%}"


class Trainer:
    """Discriminator, optimiser and the number of steps done."""

    def __init__(self, recipe: DiscriminatorRecipe, photos: Photos, codec: Codec) -> None:
        self.recipe, self.photos, self.codec = recipe, photos, codec
        self.step = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.network = new_network(codec.latent_channels, recipe.width)
        self.network.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=recipe.learning_rate, betas=_BETAS
        )

    def advance(self) -> Figures:
        """Do one optimiser step and return what it measured.

        Raises:
            WeightsError: the loss is no longer finite.
        """
        recipe, codec = self.recipe, self.codec
        generator = step_generator(recipe.seed, self.step)
        photo = self.photos.crops(recipe.batch, recipe.crop, generator, recipe.smallest_scale)
        qualities = draw_qualities(codec, recipe.batch, generator)
        latent, made = reconstruct(codec, photo, qualities)
        # One pass for both, so that the spectral norm does one power iteration a step.
        pictures = torch.cat([photo, made]).contiguous(memory_format=torch.channels_last)
        latents = torch.cat([latent, latent]).contiguous(memory_format=torch.channels_last)
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate * schedule(self.step, recipe.steps)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.network(pictures, latents)
        real, fake = logits.float().chunk(2)
        loss = discrimination(real, fake)
        if not torch.isfinite(loss):
            raise WeightsError(
                f"The loss is no longer finite at step {self.step}; lower learning_rate."
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.step += 1
        return Figures(loss.item(), _share_right(real, fake))

    def state(self) -> dict[str, Any]:
        """Return everything that resuming needs; tensors, numbers and text only."""
        return {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "codec_fingerprint": self.codec.fingerprint.hex(),
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` returned.

        Raises:
            OptionError: The state was reached with another recipe, or with other weights of the
                codec.
        """
        check_same_recipe(state["recipe"], asdict(self.recipe), _FREE)
        if state["codec_fingerprint"] != self.codec.fingerprint.hex():
            raise OptionError(
                f"The checkpoint was made with other weights of {self.codec.name}: train without "
                "resuming, or into another file."
            )
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def new_network(latent_channels: int, width: int) -> Discriminator:
    """Return a random discriminator with spectral norm (Miyato et al. 2018) on its 4×4 kernels."""
    network = Discriminator(latent_channels, width)
    *inner, last = [layer for layer in network.trunk if isinstance(layer, nn.Conv2d)]
    for layer in inner:
        spectral_norm(layer)
    # The norm fixes the scale of the rest; a short run has no time to grow that of the logits.
    with torch.no_grad():
        last.weight.mul_(_LAST_GAIN)
    return network


def plain_tensors(network: Discriminator) -> dict[str, Tensor]:
    """Return copies of kernels, as normalised by now, and biases by their names in a plain network.

    Torch's own removal of the norm would also break the network it was copied from: both are
    objects of one class that loses its attribute ``weight``.
    """
    training = network.training
    # Reading a kernel while training would advance the power iteration.
    network.eval()
    layers = {name: part for name, part in network.named_modules() if isinstance(part, nn.Conv2d)}
    tensors = {f"{name}.weight": layer.weight.detach().clone() for name, layer in layers.items()}
    for name, layer in layers.items():
        if layer.bias is not None:
            tensors[f"{name}.bias"] = layer.bias.detach().clone()
    network.train(training)
    return tensors


def step_generator(seed: int, step: int) -> Generator:
    """Return the generator of everything random in ``step``."""
    digest = hashlib.sha256(f"latentink discriminator {seed} {step}".encode()).digest()
    return Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def _share_right(real: Tensor, fake: Tensor) -> float:
    return float(((real > 0).float().mean() + (fake <= 0).float().mean()) / 2)


# ------------------------------------------------------------------------------ evaluation


@dataclass(frozen=True)
class Accuracy:
    """How often photos and reconstructions are told apart; guessing is 0.5.

    Attributes:
        by_picture: share of the pictures that the sign of their mean logit tells right.
        by_patch: share of the patches that the sign of their logit tells right, mean over pictures.
    """

    by_picture: float
    by_patch: float


@torch.no_grad()
def evaluate(network: nn.Module, codec: Codec, photo: Tensor, quality_code: int) -> Accuracy:
    """Measure on one photo and the picture that a receiver gets of it, in float32.

    Args:
        network: a discriminator in evaluation mode.
        codec: the one it was trained for.
        photo: (1, 3, H, W) in [0, 1].
        quality_code: quality in units of ``QUALITY_UNIT``.
    """
    latent, made = receive(codec, photo, quality_code)
    real, fake = network(photo, latent), network(made, latent)
    return Accuracy(_share_right(real.mean(), fake.mean()), _share_right(real, fake))


def whole_qualities(codec: Codec) -> range:
    """Return the whole numbers among the codec's qualities."""
    return range(math.ceil(codec.qualities[0]), math.floor(codec.qualities[-1]) + 1)


def evaluate_all(network: nn.Module, codec: Codec, photos: Photos) -> dict[int, Accuracy]:
    """Return the mean :class:`Accuracy` at each whole quality, on centre crops of 256×256.

    A photo smaller than that is taken as a whole.
    """
    rows: dict[int, list[Accuracy]] = {quality: [] for quality in whole_qualities(codec)}
    with training_progress() as progress:
        task = progress.add_task("", total=len(photos), text="held-out photos")
        for index in range(len(photos)):
            photo = centre_crop(photos.pixels(index), HELD_OUT_SIDE)
            for quality, row in rows.items():
                row.append(evaluate(network, codec, photo, codec.quality_code(quality)))
            progress.advance(task)
    return {quality: _mean(row) for quality, row in rows.items()}


def _mean(rows: Sequence[Accuracy]) -> Accuracy:
    by_picture = np.mean([row.by_picture for row in rows])
    by_patch = np.mean([row.by_patch for row in rows])
    return Accuracy(float(by_picture), float(by_patch))


# ------------------------------------------------------------------------------------- run


def train_discriminator(recipe_path: Path, photos: Path | None, out: Path, resume: bool) -> Path:
    """Train after a recipe and export the discriminator; show progress on the terminal.

    Beside ``out`` lie the newest checkpoint (``.checkpoint.pt``) and the log (``.csv``: step,
    loss, accuracy, seconds). Interrupting leaves both; ``resume`` continues exactly.

    Args:
        recipe_path: TOML file, see :class:`DiscriminatorRecipe`.
        photos: folder of photos in place of the recipe's.
        out: the safetensors file to write; its folder is created.
        resume: go on from the checkpoint.

    Returns:
        ``out``.

    Raises:
        OptionError: the recipe or the folder of photos does not serve.
        WeightsError: the codec's weights or the checkpoint cannot be read, or the run diverged.
        OutputError: ``out``, the checkpoint or the log cannot be written.
    """
    recipe = read_discriminator_recipe(recipe_path)
    training, held_out = split(list_photos(photos or Path(recipe.photos)))
    trainer = Trainer(recipe, Photos(training), load_codec(recipe.codec))
    if resume:
        trainer.restore(resumable(checkpoint_path(out), _STATE))
    run(trainer, out, LOG_COLUMNS, recipe.steps, recipe.checkpoint_seconds)
    export(trainer, recipe_path, Photos(held_out), out)
    return out


def export(trainer: Trainer, recipe_path: Path, held_out: Photos, out: Path) -> None:
    """Write the discriminator with its making and what :func:`evaluate_all` measures as metadata.

    Raises:
        OutputError: it cannot be written.
    """
    # Measured is what ships: normalised kernels, in the file's precision.
    tensors = {name: tensor.half() for name, tensor in plain_tensors(trainer.network).items()}
    codec, recipe = trainer.codec, trainer.recipe
    network = Discriminator(codec.latent_channels, recipe.width)
    fill(network, {name: tensor.float() for name, tensor in tensors.items()}, "the trained network")
    notes = {
        "recipe": recipe_path.name,
        "steps": str(trainer.step),
        "codec_fingerprint": codec.fingerprint.hex(),
        "held_out_photos": str(len(held_out)),
    }
    for quality, accuracy in evaluate_all(network, codec, held_out).items():
        notes[f"held_out_accuracy_q{quality}"] = f"{accuracy.by_picture:.4f}"
        notes[f"held_out_patch_accuracy_q{quality}"] = f"{accuracy.by_patch:.4f}"
    save_discriminator(tensors, out, codec.name, notes)
