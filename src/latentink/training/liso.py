"""Trains LISO's optimiser and its decoder together.

```
 photo crop, random bits ──► x_1, x_2, …, x_T ──► mean squared error to the crop
                                    │
                                    └──► saved as PNG or JPEG ──► decoder ──► cross-entropy
```

Chen, Kishore, Weinberger, "Learning Iterative Neural Optimizers for Image Steganography", ICLR
2023, equation 4: step t of T counts gamma^(T − t). Unlike the authors' code, the picture is not cut
out of the graph between steps, so that early steps are trained for what later ones make of them.

Everything random in step n comes from a generator seeded by (seed, n), as in training/decoder.py.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentink.errors import WeightsError
from latentink.message_decoders.decoder_file import load_decoder
from latentink.message_decoders.message_decoder import block, convolution, signed
from latentink.methods.liso_network import (
    FORMAT,
    MAX_ITERATIONS,
    Design,
    LisoNetwork,
    load_liso,
    save_liso,
    saved,
)
from latentink.methods.saving import SUBSAMPLINGS, Jpeg, Png
from latentink.tensor_files import read_safetensors
from latentink.training.checkpoints import (
    check_same_recipe,
    checkpoint_path,
    resumable,
)
from latentink.training.decoder import (
    LOG_COLUMNS,
    Figures,
    mean_psnr,
    rise,
    schedule,
    share_right,
    step_generator,
)
from latentink.training.photos import Photos, centre_crop, list_photos, split
from latentink.training.recipes import read_recipe
from latentink.training.run import run
from latentink.weights.catalogue import FOLDER

CRITIC_HIDDEN = 32
_CRITIC_BOUND = 0.1
_STATE = frozenset({"recipe", "step", "network", "critic", "optimiser", "critic_optimiser"})
# Neither changes what a step computes.
_FREE = frozenset({"photos", "checkpoint_seconds"})


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run yields.

    Attributes:
        start: bundled weights to start from, LISO's or a message decoder's, by name; empty starts
            from random ones, which takes far longer.
        data_depth: bits at each pixel.
        hidden: channels of the recurrent state.
        iterations: T, steps of LISO in each step of training.
        gamma: of the weights gamma^(T − t).
        saving: ``"png"`` or ``"jpeg"``: what lies before the decoder.
        quality: of the JPEG.
        subsampling: of the JPEG, see :class:`latentink.methods.saving.Jpeg`.
        photos: folder of photos, relative to the working directory.
        steps: optimiser steps.
        batch: crops a step.
        crop: side of a crop in pixels.
        learning_rate: Adam's, at its peak; 3 % of the steps lead up to it and a cosine down to 0.
        image_weight: weight of the mean squared error (pictures in [0, 1]) beside the
            cross-entropy (nats); the authors' 1 on [-1, 1] is 4 here.
        image_rise: share of the steps over which that weight rises from a tenth to the whole.
        critic_weight: weight of a critic's score, SteganoGAN's Wasserstein critic; 0 is without.
        seed: seed of everything random.
        checkpoint_seconds: seconds between checkpoints.
    """

    start: str = ""
    data_depth: int = 1
    hidden: int = 32
    iterations: int = 6
    gamma: float = 0.8
    saving: str = "png"
    quality: int = 80
    subsampling: str = "4:2:0"
    photos: str = "../shared/photos/train"
    steps: int = 3000
    batch: int = 4
    crop: int = 64
    learning_rate: float = 1e-3
    image_weight: float = 100.0
    image_rise: float = 0.3
    critic_weight: float = 0.0
    seed: int = 1
    checkpoint_seconds: float = 30.0


LIMITS: dict[str, tuple[float, float]] = {
    "data_depth": (1, 64),
    "hidden": (1, 512),
    "iterations": (1, MAX_ITERATIONS),
    "gamma": (1e-3, 1),
    "quality": (1, 100),
    "steps": (1, 1e9),
    "batch": (1, 4096),
    "crop": (16, 4096),
    "learning_rate": (1e-9, 1),
    "image_weight": (0, 1e9),
    "image_rise": (0, 1),
    "critic_weight": (0, 1e9),
    "seed": (0, 2**31),
    "checkpoint_seconds": (0, 1e9),
}
CHOICES = {"saving": ("png", "jpeg"), "subsampling": tuple(SUBSAMPLINGS)}


def read_liso_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file whose keys are the fields of :class:`Recipe`.

    Raises:
        OptionError: see :func:`latentink.training.recipes.read_recipe`.
    """
    return read_recipe(path, Recipe, LIMITS, CHOICES)


def design_of(recipe: Recipe) -> Design:
    """Return what the weights of a recipe are for."""
    jpeg = Jpeg(recipe.quality, recipe.subsampling)
    saving = jpeg if recipe.saving == "jpeg" else Png()
    return Design(recipe.data_depth, recipe.hidden, recipe.iterations, saving)


# --------------------------------------------------------------------------------- critic


class Critic(nn.Module):
    """SteganoGAN's critic (Zhang et al. 2019, section 3.3): how much a picture looks like a stego.

    Four convolutions and a mean. The Wasserstein distance needs its weights bounded, here as
    there by clipping to ±0.1.
    """

    def __init__(self, hidden: int = CRITIC_HIDDEN) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *block(3, hidden),
            *block(hidden, hidden),
            *block(hidden, hidden),
            convolution(hidden, 1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """Return one score for the pictures (B, 3, H, W) in [0, 1] together."""
        score: Tensor = self.layers(signed(picture)).mean()
        return score

    def clip(self) -> None:
        """Bound the weights."""
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.clamp_(-_CRITIC_BOUND, _CRITIC_BOUND)


# -------------------------------------------------------------------------------- training


class Trainer:
    """LISO's network, the critic, their optimisers and the number of steps done."""

    def __init__(self, recipe: Recipe, photos: Photos) -> None:
        self.recipe = recipe
        self.photos = photos
        self.step = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.network = started(recipe)
            self.critic = Critic()
        self.network.to(memory_format=torch.channels_last)
        rate = recipe.learning_rate
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=rate)
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters(), lr=rate)

    def advance(self) -> Figures:
        """Do one optimiser step and return what it measured."""
        recipe = self.recipe
        generator = step_generator(recipe.seed, self.step)
        cover = self.photos.crops(recipe.batch, recipe.crop, generator)
        cover = cover.contiguous(memory_format=torch.channels_last)
        shape = (recipe.batch, recipe.data_depth, recipe.crop, recipe.crop)
        bits = torch.randint(2, shape, generator=generator).float()
        for optimiser in (self.optimiser, self.critic_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * schedule(self.step, recipe.steps)
        image_weight = recipe.image_weight * rise(self.step, recipe.image_rise * recipe.steps)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            trace = list(self.network.steps(cover, bits, recipe.iterations))
        loss = sequence_loss(trace, cover, bits, recipe.gamma, image_weight)
        stego, logits = trace[-1]
        if recipe.critic_weight:
            loss = loss + recipe.critic_weight * self.critic(stego)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        # A state that passes T times through the same gates now and then has an exploding gradient.
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        if recipe.critic_weight:
            self._advance_critic(cover, stego.detach())
        self.step += 1
        error = F.mse_loss(stego.detach(), cover).item()
        return Figures(loss.item(), share_right(logits, bits), mean_psnr(error))

    def _advance_critic(self, cover: Tensor, stego: Tensor) -> None:
        self.critic_optimiser.zero_grad(set_to_none=True)
        (self.critic(cover) - self.critic(stego)).backward()
        self.critic_optimiser.step()
        self.critic.clip()

    def state(self) -> dict[str, Any]:
        """Return everything that resuming needs; tensors, numbers and text only."""
        return {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "network": self.network.state_dict(),
            "critic": self.critic.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` returned.

        Raises:
            OptionError: the state was reached with another recipe; the sentence names a field.
        """
        check_same_recipe(state["recipe"], asdict(self.recipe), _FREE)
        self.network.load_state_dict(state["network"])
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.critic_optimiser.load_state_dict(state["critic_optimiser"])
        self.step = state["step"]


def started(recipe: Recipe) -> LisoNetwork:
    """Return the network that training starts from; random parts are torch's global generator's.

    Raises:
        WeightsError: there are no such weights, or they are of another size.
    """
    network = LisoNetwork(design_of(recipe))
    # An untrained last layer would paint over the photo.
    with torch.no_grad():
        for parameter in network.update.head[-1].parameters():
            parameter.mul_(0.1)
    if not recipe.start:
        return network
    path = FOLDER / f"{recipe.start}.safetensors"
    _, metadata = read_safetensors(path)
    is_liso = metadata.get("format") == FORMAT
    source: nn.Module = load_liso(path) if is_liso else load_decoder(path)
    target = network if is_liso else network.decoder
    try:
        target.load_state_dict(source.state_dict())
    except RuntimeError:
        raise WeightsError(f"Training cannot start from {recipe.start}: other sizes.") from None
    return network


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


def evaluate(network: LisoNetwork, photos: Photos, recipe: Recipe) -> Figures:
    """Measure on a centre crop (at most 256×256) of every photo, in float32, as the file shows it.

    Args:
        network: set to evaluation mode for the measurement.
        photos: what to measure on.
        recipe: says how many iterations, and the weights of the loss.
    """
    mode = network.training
    network.eval()
    rows = []
    for index in range(len(photos)):
        generator = step_generator(recipe.seed, -1 - index)
        cover = centre_crop(photos.pixels(index), 256)
        shape = (1, recipe.data_depth, *cover.shape[-2:])
        bits = torch.randint(2, shape, generator=generator).float()
        trace = [
            (saved(stego, network.design.saving).detach(), logits.detach())
            for stego, logits in network.steps(cover, bits, recipe.iterations)
        ]
        loss = sequence_loss(trace, cover, bits, recipe.gamma, recipe.image_weight)
        stego, logits = trace[-1]
        error = F.mse_loss(stego, cover)
        rows.append((float(loss), share_right(logits, bits), mean_psnr(float(error))))
    network.train(mode)
    loss_mean, accuracy, psnr = np.mean(np.array(rows), axis=0)
    return Figures(float(loss_mean), float(accuracy), float(psnr))


# ------------------------------------------------------------------------------------- run


def train_liso(recipe_path: Path, photos: Path | None, out: Path, resume: bool) -> Path:
    """Train after a recipe and export the weights; show progress on the terminal.

    Beside ``out`` lie the newest checkpoint (``.checkpoint.pt``) and the log (``.csv``: step,
    loss, accuracy, psnr, seconds). Interrupting leaves both; ``resume`` continues exactly.

    Args:
        recipe_path: TOML file, see :class:`Recipe`.
        photos: folder of photos in place of the recipe's.
        out: the safetensors file to write; its folder is created.
        resume: continue from the checkpoint.

    Returns:
        ``out``.

    Raises:
        OptionError: the recipe or the folder of photos does not serve.
        WeightsError: there is no readable checkpoint to resume from, or no weights to start from.
        OutputError: ``out``, the checkpoint or the log cannot be written.
    """
    recipe = read_liso_recipe(recipe_path)
    training, held_out = split(list_photos(photos or Path(recipe.photos)))
    trainer = Trainer(recipe, Photos(training))
    if resume:
        trainer.restore(resumable(checkpoint_path(out), _STATE))
    run(trainer, out, LOG_COLUMNS, recipe.steps, recipe.checkpoint_seconds)
    measured = evaluate(trainer.network, Photos(held_out), recipe)
    notes = {
        "recipe": recipe_path.name,
        "steps": str(trainer.step),
        "held_out_photos": str(len(held_out)),
        "held_out_accuracy": f"{measured.accuracy:.5f}",
        "held_out_psnr": f"{measured.psnr:.2f}",
    }
    save_liso(trainer.network, out, notes)
    return out
