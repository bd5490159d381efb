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
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Generator, Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from latentink.codecs.codec import Codec
from latentink.codecs.entropy_model import STRIDE
from latentink.codecs.loading import load_codec
from latentink.codecs.reconstruction import receive, reconstruct
from latentink.codecs.registry import CODECS
from latentink.critics.discriminator import MAX_WIDTH, Discriminator, save_discriminator
from latentink.defaults import DEFAULT_CODEC
from latentink.losses.adversarial import discrimination
from latentink.tensor_files import fill
from latentink.training.photos import Photos, centre_crop
from latentink.training.recipes import PhotoRecipe, setting
from latentink.training.seeding import seeded
from latentink.training.task import Column, Step, Task, evaluating

_BETAS = (0.5, 0.9)
_LAST_GAIN = 10.0


@dataclass(frozen=True)
class DiscriminatorRecipe(PhotoRecipe):
    """Everything that decides what training a discriminator yields.

    Reducing crops removes the traces of JPEG; a discriminator that looks for those is of no use to
    the editor. Each of the 4×4 convolutions doubles the channels; HiFiC begins with 64.
    """

    codec: str = setting(DEFAULT_CODEC, "makes the reconstructions", choices=tuple(CODECS))
    width: int = setting(32, "channels after the first 4×4 convolution", 1, MAX_WIDTH)
    steps: int = 5000
    crop: int = setting(128, "side of a crop, pixels", STRIDE, 4096, multiple_of=STRIDE)
    smallest_scale: float = setting(0.5, "factor that reduces crops, from here to 1", 0.1, 1)
    learning_rate: float = 4e-4


def draw_quality_codes(codec: Codec, count: int, generator: Generator) -> list[int]:
    """Return ``count`` random qualities of the codec, in units of ``QUALITY_UNIT``."""
    low, high = codec.quality_code(codec.qualities[0]), codec.quality_code(codec.qualities[-1])
    return torch.randint(low, high + 1, (count,), generator=generator).tolist()


class DiscriminatorTask(Task[DiscriminatorRecipe, Photos]):
    """A discriminator against photos and what a codec, which stays on the CPU, makes of them."""

    recipe_type = DiscriminatorRecipe
    seed_word = "discriminator"
    columns = (Column("loss", ".5f", "loss {:.3f}"), Column("accuracy", ".5f", "right {:.1%}"))

    def build(self) -> None:
        """Load the codec and make the network with its optimiser."""
        self.codec = load_codec(self.recipe.codec)
        fingerprint = self.codec.entropy.fingerprint.hex()
        self.inputs["codec_fingerprint"] = (f"weights of {self.codec.name}", fingerprint)
        with seeded(self.recipe.seed):
            self.network = new_network(self.codec.entropy.latent_channels, self.recipe.width)
        self.network.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(self.network.parameters(), betas=_BETAS)

    def advance(self, step: Step) -> dict[str, Tensor | float]:
        """Tell a batch of crops from their reconstructions at random qualities."""
        recipe, draw = self.recipe, step.generator
        photo = self.training.crops(recipe.batch, recipe.crop, draw, recipe.smallest_scale)
        quality_codes = draw_quality_codes(self.codec, recipe.batch, draw)
        latent, made = reconstruct(self.codec, photo, quality_codes)
        # One pass for both, so that the spectral norm does one power iteration a step.
        pictures = torch.cat([photo, made]).contiguous(memory_format=torch.channels_last)
        latents = torch.cat([latent, latent]).contiguous(memory_format=torch.channels_last)
        pictures, latents = step.fabric.to_device((pictures, latents))
        with step.fabric.autocast():
            logits = self.network(pictures, latents)
        real, fake = logits.float().chunk(2)
        loss = discrimination(real, fake)
        step.descend(self.optimiser, loss, None)
        return {"loss": loss.detach(), "accuracy": _share_right(real, fake)}

    def export(self, out: Path, notes: dict[str, str]) -> None:
        """Write the discriminator with how well it tells held-out photos at each quality."""
        # The exported network is measured: normalised kernels, in the file's precision.
        tensors = {name: tensor.half() for name, tensor in plain_tensors(self.network).items()}
        network = Discriminator(self.codec.entropy.latent_channels, self.recipe.width)
        plain = {name: tensor.float() for name, tensor in tensors.items()}
        fill(network, plain, "the trained network")
        notes["codec_fingerprint"] = self.codec.entropy.fingerprint.hex()
        notes["held_out_photos"] = str(len(self.held_out))
        accuracies = accuracy_by_quality(network, self.codec, self.held_out)
        for quality, (by_picture, by_patch) in accuracies.items():
            notes[f"held_out_accuracy_q{quality}"] = f"{by_picture:.4f}"
            notes[f"held_out_patch_accuracy_q{quality}"] = f"{by_patch:.4f}"
        save_discriminator(tensors, out, self.codec.name, notes)


TASK = DiscriminatorTask


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
    with evaluating(network):  # In training, reading a kernel advances its power iteration.
        tensors = {}
        for name, layer in network.named_modules():
            if isinstance(layer, nn.Conv2d):
                tensors[f"{name}.weight"] = layer.weight.detach().clone()
                if layer.bias is not None:
                    tensors[f"{name}.bias"] = layer.bias.detach().clone()
    return tensors


def _share_right(real: Tensor, fake: Tensor) -> float:
    return float(((real > 0).float().mean() + (fake <= 0).float().mean()) / 2)


@torch.no_grad()
def accuracy_on(network: nn.Module, codec: Codec, photo: Tensor, quality_code: int) -> list[float]:
    """Return how often a photo and what a receiver gets of it are told apart; guessing is 0.5.

    The first figure goes by the sign of the pictures' mean logits, the second one by the patches'
    own; all is computed in float32.

    Args:
        network: a discriminator in evaluation mode.
        codec: the one it was trained for.
        photo: (1, 3, H, W) in [0, 1].
        quality_code: quality in units of ``QUALITY_UNIT``.
    """
    latent, made = receive(codec, photo, quality_code)
    real, fake = network(photo, latent), network(made, latent)
    return [_share_right(real.mean(), fake.mean()), _share_right(real, fake)]


def accuracy_by_quality(network: nn.Module, codec: Codec, photos: Photos) -> dict[int, list[float]]:
    """Return means of :func:`accuracy_on` at each whole quality, on centres of 256×256 at most."""
    qualities = range(math.ceil(codec.qualities[0]), math.floor(codec.qualities[-1]) + 1)
    codes, rows = [codec.quality_code(quality) for quality in qualities], []
    for index in track(range(len(photos)), "held-out photos"):
        photo = centre_crop(photos.pixels(index))
        rows.append([accuracy_on(network, codec, photo, code) for code in codes])
    means = np.mean(np.array(rows), axis=0).tolist()
    return dict(zip(qualities, means, strict=True))
