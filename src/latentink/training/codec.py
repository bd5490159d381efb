"""Trains a codec for rate and distortion at all its qualities together.

Each step draws crops, and a quality for each, spread evenly over the codec's range; the loss of a
crop at Lagrangian λ is

    (λ / 0.025)^(−e) · (bits per pixel + λ · 255² · MSE),        e = ``weight_exponent``,

CompressAI's objective, weighted so that no quality drowns the others. The schedule is a rise, a
plateau and a linear cool-down: a run can be lengthened later from where its cool-down began, with
nothing lost, by raising ``steps`` in its recipe and resuming.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from latentink.codecs.gains import lagrangian
from latentink.codecs.implementation import implementation_of
from latentink.codecs.model import CodecModel, weights_of
from latentink.codecs.registry import CODECS
from latentink.codecs.starting_weights import load_start
from latentink.codecs.weights_file import FORMAT
from latentink.defaults import DEFAULT_CODEC
from latentink.tensor_files import write_safetensors
from latentink.training.photos import Photos, centre_crop
from latentink.training.recipes import PhotoRecipe, setting
from latentink.training.schedules import Schedule
from latentink.training.seeding import seeded
from latentink.training.task import Column, Step, Task, evaluating
from latentink.training.trainer import missing_package

_SMOOTHING = 0.98
# Preconditioning sides longer than this costs more time than it gains.
_LARGEST_SIDE = 256


@dataclass(frozen=True)
class CodecRecipe(PhotoRecipe):
    """Everything that decides what training a codec yields.

    Crops are trained at all qualities between the first and the last; those listed have a gain
    vector of their own. ``"soap"`` is Adam in Shampoo's eigenbasis (Vyas et al. 2024).
    """

    architecture: str = setting(DEFAULT_CODEC, "of the codec", choices=tuple(CODECS))
    channels: int = setting(96, "N, channels of the transforms", 1, 1024)
    latent_channels: int = setting(192, "M, channels of the latent", 1, 1024)
    qualities: tuple[float, ...] = setting((3.0, 4.0, 5.0, 6.0, 7.0, 8.0), "ascending", 1, 8)
    start: str = setting("", "weights or checkpoint to start from; empty: none", free=True)
    steps: int = setting(30000, "optimiser steps, cool-down included", 1, 1e9, free=True)
    batch: int = 8
    crop: int = setting(128, "side of a crop, pixels", 64, 4096, multiple_of=64)
    smallest_scale: float = setting(0.5, "factor that reduces crops, from here to 1", 0.1, 1)
    optimiser: str = setting("soap", "by name", choices=("adam", "soap"))
    learning_rate: float = setting(1e-3, "on the plateau", 1e-9, 1)
    warm_up: int = setting(100, "steps of the rise", 0, 1e9)
    cool_down: int = setting(5000, "steps of the fall to 0 at the end", 0, 1e9, free=True)
    clip: float = setting(1.0, "largest norm of the gradient", 1e-6, 1e9)
    average: float = setting(0.0, "decay of the moving average; 0: without", 0, 0.99999)
    rounded_from: int = setting(3000, "step from which g_s sees rounded values", 0, 1e9)
    weight_exponent: float = setting(0.5, "e above", 0, 2)
    compile: bool = setting(False, "whether to compile the model (torch.compile)", free=True)
    checkpoint_seconds: float = 120.0
    validation_steps: int = setting(2000, "between validations", 1, 1e9, free=True)

    def schedule(self) -> Schedule:
        """Return the schedule of the learning rate."""
        return Schedule(self.steps, self.warm_up, self.cool_down, "linear")

    def problem(self) -> str:
        """Return what is wrong with fields together."""
        if list(self.qualities) != sorted(set(self.qualities)):
            return "gives qualities that do not ascend"
        if self.cool_down > self.steps:
            return "cools down for longer than it runs"
        least = implementation_of(self.architecture).least_latent_channels
        if self.latent_channels < least:
            return f"gives {self.architecture} fewer than {least} latent channels"
        return ""


class CodecTask(Task[CodecRecipe, Photos]):
    """A codec's model, its average, and the quantiles of its hyper-latent."""

    recipe_type = CodecRecipe
    seed_word = "codec"
    columns = (
        Column("loss", ".5f", "loss {:.3f}", _SMOOTHING),
        Column("bpp", ".5f", "{:.3f} bpp", _SMOOTHING),
        Column("psnr", ".5f", "{:.2f} dB", _SMOOTHING),
        Column("learning_rate", ".3g"),
    )
    log_steps = 20
    validation_columns = ("step", "quality", "bpp", "psnr", "loss")
    parts = ("model", "average", "optimiser", "auxiliary")

    def build(self) -> None:
        """Make the model, its average where the recipe has one, and two optimisers."""
        recipe = self.recipe
        with seeded(recipe.seed):
            new_model = implementation_of(recipe.architecture).model
            self.model = new_model(recipe.channels, recipe.latent_channels, recipe.qualities)
        if recipe.start:
            load_start(self.model, Path(recipe.start))
        self.model.to(memory_format=torch.channels_last)
        average = get_ema_multi_avg_fn(recipe.average)
        self.average = AveragedModel(self.model, multi_avg_fn=average) if recipe.average else None
        self.bottleneck = self.model.bottleneck()
        quantiles: nn.Parameter = self.bottleneck.quantiles
        quantiles.requires_grad_(False)  # The auxiliary loss alone moves them.
        self.auxiliary = torch.optim.Adam([quantiles], lr=1e-3)
        others = [p for p in self.model.parameters() if p is not quantiles]
        self.optimiser = _optimiser(recipe, others)
        self.objective: Callable[..., tuple[Tensor, ...]] = self._objective
        if recipe.compile:
            self.objective = torch.compile(self._objective)

    def batch_number(self, step: int, process: int, processes: int) -> str:
        """Return the number of a batch in its seed: that of the step, then of the process."""
        return f"{step} {process}"

    def advance(self, step: Step) -> dict[str, Tensor | float]:
        """Code a batch of crops at random qualities."""
        recipe, draw = self.recipe, step.generator
        picture = self.training.crops(recipe.batch, recipe.crop, draw, recipe.smallest_scale)
        quality = spread_qualities(recipe, draw)
        lagrangians = torch.tensor([lagrangian(float(q)) for q in quality])
        batch = [tensor.bfloat16() for tensor in (picture, quality, lagrangians)]
        batch = step.fabric.to_device(batch)
        self.model.train()
        with step.fabric.autocast():
            losses, bpp, error = self.objective(*batch, step.number >= recipe.rounded_from)
        loss = losses.mean()
        step.descend(self.optimiser, loss, recipe.clip)
        self._fit_quantiles()
        if self.average is not None:
            self.average.update_parameters(self.model)
        psnr = -10 * error.detach().clamp_min(1e-9).log10().mean()
        return {"loss": loss.detach(), "bpp": bpp.detach().mean(), "psnr": psnr}

    def _objective(
        self, picture: Tensor, quality: Tensor, lagrangians: Tensor, rounded: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return loss, bits per pixel and mean squared error of each picture, each (B,)."""
        made = self.model(picture, quality, rounded)
        bpp = (made.y_bits + made.z_bits) / (picture.shape[-2] * picture.shape[-1])
        error = (made.picture - picture).square().mean((1, 2, 3))
        weight = (lagrangians / lagrangian(5)) ** -self.recipe.weight_exponent
        return weight * (bpp + lagrangians * 255**2 * error), bpp, error

    def _fit_quantiles(self) -> None:
        """Move the hyper-latent's quantiles by a loss of their own, which needs no data."""
        quantiles = self.bottleneck.quantiles
        quantiles.requires_grad_(True)
        self.auxiliary.zero_grad(set_to_none=True)
        self.bottleneck.quantile_loss().backward()
        self.auxiliary.step()
        quantiles.requires_grad_(False)

    def finished(self) -> CodecModel:
        """Return the model to export: the average where there is one."""
        if self.average is None:
            return self.model
        averaged = self.average.module
        assert isinstance(averaged, CodecModel)
        return averaged

    def validate(self, steps: int) -> list[list[str]]:
        """Return rate and distortion at the lowest quality, the highest one and 5."""
        if steps % self.recipe.validation_steps and steps != self.recipe.steps:
            return []
        model, rows = self.finished(), []
        for quality in sorted({model.gains.qualities[0], 5.0, model.gains.qualities[-1]}):
            bpp, psnr, loss = rate_and_distortion(model, self.held_out, quality)
            rows.append([f"{steps}", f"{quality:g}", f"{bpp:.4f}", f"{psnr:.3f}", f"{loss:.4f}"])
        return rows

    def export(self, out: Path, notes: dict[str, str]) -> None:
        """Write the weights file (codecs/weights_file.py); the log of validations measures it."""
        metadata = {"format": FORMAT, "architecture": self.recipe.architecture, **notes}
        write_safetensors(weights_of(self.finished(), torch.float16), metadata, out)


TASK = CodecTask


def spread_qualities(recipe: CodecRecipe, generator: Generator) -> Tensor:
    """Return a quality for each crop (batch,): one from each of ``batch`` equal parts, shuffled."""
    parts = torch.arange(recipe.batch) + torch.rand(recipe.batch, generator=generator)
    low, high = recipe.qualities[0], recipe.qualities[-1]
    order = torch.randperm(recipe.batch, generator=generator)
    return (low + (high - low) * parts / recipe.batch)[order]


@torch.no_grad()
def rate_and_distortion(
    model: CodecModel, photos: Photos, quality: float
) -> tuple[float, float, float]:
    """Return mean bits per pixel, PSNR (dB) and unweighted loss on 256×256 centre crops.

    Rounded latents and their estimated rate; pictures are not rounded to 8 bits.
    """
    device = next(model.parameters()).device
    rows = []
    for index in range(len(photos)):
        picture = centre_crop(photos.pixels(index))
        height, width = (side // 64 * 64 for side in picture.shape[-2:])
        if not (height and width):
            continue
        picture = picture[..., :height, :width].contiguous(memory_format=torch.channels_last)
        picture = picture.to(device)
        with evaluating(model), torch.autocast(device.type, torch.bfloat16):
            made = model(picture, torch.tensor([quality], device=device), True)
        bpp = float(made.y_bits + made.z_bits) / (height * width)
        error = float((made.picture.clamp(0, 1) - picture).square().mean())
        psnr = -10 * math.log10(max(error, 1e-9))
        rows.append((bpp, psnr, bpp + lagrangian(quality) * 255**2 * error))
    bpp, psnr, loss = np.mean(np.array(rows).reshape(-1, 3), axis=0)
    return float(bpp), float(psnr), float(loss)


def _optimiser(recipe: CodecRecipe, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters)
    try:
        from pytorch_optimizer import SOAP
    except ImportError as error:
        raise missing_package(error) from None

    # The taps of a kernel count as one side; the library cannot merge what is small altogether.
    kernels = [p for p in parameters if p.ndim == 4 and p.numel() > _LARGEST_SIDE]
    others = [p for p in parameters if p.ndim != 4 or p.numel() <= _LARGEST_SIDE]
    return SOAP(
        [{"params": kernels, "merge_dims": True}, {"params": others, "merge_dims": False}],
        betas=(0.95, 0.95),
        weight_decay=0.0,
        precondition_frequency=10,
        max_precondition_dim=_LARGEST_SIDE,
    )
