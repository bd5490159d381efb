"""Trains a codec for rate and distortion at all its qualities together.

Each step draws crops, and a quality for each, spread evenly over the codec's range; the loss of a
crop at Lagrangian λ is

    (λ / 0.025)^(−e) · (bits per pixel + λ · 255² · MSE),        e = ``weight_exponent``,

CompressAI's objective, weighted so that no quality drowns the others. The schedule is a rise, a
plateau and a linear cool-down: a run can be lengthened later from where its cool-down began, with
nothing lost, by raising ``steps`` in its recipe and resuming.

Everything random in step n comes from (seed, n, process), so that a resumed run is the run that was
never interrupted. Several processes (``torchrun``) share the batch by Lightning Fabric.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from latentink.codecs.gains import extend_rows, lagrangian
from latentink.codecs.models import (
    MODELS,
    CodecModel,
    ElicModel,
    HyperpriorModel,
    Reconstruction,
    bottleneck_of,
    networks_of,
    weights_of,
)
from latentink.codecs.weights_file import FORMAT, network_tensors
from latentink.errors import OptionError, OutputError, WeightsError
from latentink.tensor_files import read_safetensors, write_safetensors
from latentink.training.checkpoints import (
    check_same_recipe,
    checkpoint_path,
    resumable,
    write_checkpoint,
)
from latentink.training.logs import log_path, open_log, training_progress
from latentink.training.photos import Photos, centre_crop, list_photos, split
from latentink.training.recipes import read_recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LOG_COLUMNS = ("step", "loss", "bpp", "psnr", "learning_rate", "seconds")
VALIDATION_COLUMNS = ("step", "quality", "bpp", "psnr", "loss")
_STATE = frozenset({"recipe", "step", "model", "average", "optimiser", "auxiliary"})
_SMOOTHING = 0.98
_LOGGED_STEPS = 20
# Preconditioning sides longer than this costs more time than it gains.
_LARGEST_SIDE = 256


@dataclass(frozen=True)
class CodecRecipe:
    """Everything that decides what a training run yields.

    Attributes:
        architecture: ``"hyperprior"`` or ``"elic"``.
        channels: N, channels of the transforms.
        latent_channels: M, channels of the latent.
        qualities: those with a gain vector of their own, ascending; crops are trained at all
            qualities between the first and the last.
        photos: folder of photos, relative to the working directory.
        start: weights (safetensors of this trainer) to start from; empty: from nothing.
        steps: optimiser steps, cool-down included.
        batch: crops a step, of each process.
        crop: side of a crop, a multiple of 64 pixels.
        smallest_scale: crops are reduced by a random factor from here to 1.
        optimiser: ``"adam"`` or ``"soap"`` (Vyas et al. 2024: Adam in Shampoo's eigenbasis).
        learning_rate: on the plateau.
        warm_up: steps of the rise.
        cool_down: steps of the fall to 0 at the end.
        clip: largest norm of the gradient.
        average: decay of the exponential moving average that is exported; 0: the weights as is.
        rounded_from: step from which g_s sees rounded values instead of noisy ones.
        weight_exponent: e above.
        compile: whether to compile the model with torch.compile (needs a C++ compiler).
        seed: of everything random.
        checkpoint_seconds: between checkpoints.
        validation_steps: between validations on the held-out photos.
    """

    architecture: str = "hyperprior"
    channels: int = 96
    latent_channels: int = 192
    qualities: tuple[float, ...] = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    photos: str = "../shared/photos/train"
    start: str = ""
    steps: int = 30000
    batch: int = 8
    crop: int = 128
    smallest_scale: float = 0.5
    optimiser: str = "soap"
    learning_rate: float = 1e-3
    warm_up: int = 100
    cool_down: int = 5000
    clip: float = 1.0
    average: float = 0.0
    rounded_from: int = 3000
    weight_exponent: float = 0.5
    compile: bool = False
    seed: int = 1
    checkpoint_seconds: float = 120.0
    validation_steps: int = 2000


_LIMITS: dict[str, tuple[float, float]] = {
    "channels": (1, 1024),
    "latent_channels": (1, 1024),
    "qualities": (1, 8),
    "steps": (1, 1e9),
    "batch": (1, 4096),
    "crop": (64, 4096),
    "smallest_scale": (0.1, 1),
    "learning_rate": (1e-9, 1),
    "warm_up": (0, 1e9),
    "cool_down": (0, 1e9),
    "clip": (1e-6, 1e9),
    "average": (0, 0.99999),
    "rounded_from": (0, 1e9),
    "weight_exponent": (0, 2),
    "seed": (0, 2**31),
    "checkpoint_seconds": (0, 1e9),
    "validation_steps": (1, 1e9),
}
_CHOICES = {"architecture": tuple(MODELS), "optimiser": ("adam", "soap")}
# None of these changes what a step on the plateau computes.
_FREE = frozenset(
    {"photos", "checkpoint_seconds", "validation_steps", "compile", "steps", "cool_down", "start"}
)


def read_codec_recipe(path: Path) -> CodecRecipe:
    """Read a recipe from a TOML file whose keys are the fields of :class:`CodecRecipe`.

    Raises:
        OptionError: see :func:`latentink.training.recipes.read_recipe`; also qualities that do not
            ascend, a crop that is no multiple of 64, or a cool-down longer than the run.
    """
    recipe = read_recipe(path, CodecRecipe, _LIMITS, _CHOICES)
    if list(recipe.qualities) != sorted(set(recipe.qualities)):
        raise OptionError(f"The recipe {path} gives qualities that do not ascend.")
    if recipe.crop % 64:
        raise OptionError(f"The recipe {path} gives crop = {recipe.crop}, no multiple of 64.")
    if recipe.cool_down > recipe.steps:
        raise OptionError(f"The recipe {path} cools down for longer than it runs.")
    if recipe.architecture == "elic" and recipe.latent_channels <= 128:
        raise OptionError(f"The recipe {path} gives ELIC no more than 128 latent channels.")
    return recipe


def plateau_end(recipe: CodecRecipe) -> int:
    """Return the step at which the cool-down begins."""
    return recipe.steps - recipe.cool_down


def schedule(step: int, recipe: CodecRecipe) -> float:
    """Return the factor on the learning rate at ``step``."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    into = step - plateau_end(recipe)
    return 1.0 if into <= 0 else 1 - into / recipe.cool_down


@dataclass(frozen=True)
class Losses:
    """What a batch measured; means over its crops.

    Attributes:
        loss: the weighted objective.
        bpp: estimated bits per pixel.
        psnr: dB, from the mean of the crops' logarithms.
    """

    loss: Tensor
    bpp: Tensor
    psnr: Tensor


class Objective(nn.Module):
    """The model with its loss as one module, as compilers and processes that share work want it."""

    def __init__(self, model: CodecModel, weight_exponent: float) -> None:
        super().__init__()
        self.model = model
        self.weight_exponent = weight_exponent

    def forward(
        self, picture: Tensor, quality: Tensor, lagrangians: Tensor, rounded: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return loss, bits per pixel and mean squared error of each picture, each (B,)."""
        made: Reconstruction = self.model(picture, quality, rounded)
        pixels = picture.shape[-2] * picture.shape[-1]
        bpp = (made.y_bits + made.z_bits) / pixels
        error = (made.picture - picture).square().mean((1, 2, 3))
        weight = (lagrangians / lagrangian(5)) ** -self.weight_exponent
        return weight * (bpp + lagrangians * 255**2 * error), bpp, error


class Trainer:
    """Model, average, optimisers and the number of steps done."""

    def __init__(self, recipe: CodecRecipe, photos: Photos, fabric: Fabric) -> None:
        self.recipe, self.photos, self.fabric = recipe, photos, fabric
        self.step = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.model = MODELS[recipe.architecture](
                recipe.channels, recipe.latent_channels, recipe.qualities
            )
        if recipe.start:
            load_start(self.model, Path(recipe.start))
        self.model.to(memory_format=torch.channels_last)
        self.average = (
            AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
            if recipe.average
            else None
        )
        self.bottleneck = bottleneck_of(self.model)
        quantiles: nn.Parameter = self.bottleneck.quantiles
        optimiser = _optimiser(recipe, [p for p in self.model.parameters() if p is not quantiles])
        self.auxiliary = torch.optim.Adam([quantiles], lr=1e-3)
        objective: nn.Module = Objective(self.model, recipe.weight_exponent)
        if recipe.compile:
            objective = torch.compile(objective)  # type: ignore[assignment]
        quantiles.requires_grad_(False)  # The auxiliary loss alone moves them.
        self.objective, self.optimiser = fabric.setup(objective, optimiser)

    def advance(self) -> Losses:
        """Do one optimiser step and return what it measured."""
        recipe, rank = self.recipe, self.fabric.global_rank
        generator = seed_step(recipe.seed, self.step, rank)
        picture = self.photos.crops(recipe.batch, recipe.crop, generator, recipe.smallest_scale)
        quality = spread_qualities(recipe, generator)
        lagrangians = torch.tensor([lagrangian(float(q)) for q in quality])
        device = self.fabric.device
        picture = picture.to(device).contiguous(memory_format=torch.channels_last)
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate * schedule(self.step, recipe)
        self.model.train()
        loss, bpp, error = self.objective(
            picture, quality.to(device), lagrangians.to(device), self.step >= recipe.rounded_from
        )
        mean = loss.mean()
        if not torch.isfinite(mean):
            raise WeightsError(
                f"The loss is no longer finite at step {self.step}; lower learning_rate and resume."
            )
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(mean)
        self.fabric.clip_gradients(self.objective, self.optimiser, max_norm=recipe.clip)
        self.optimiser.step()
        self._fit_quantiles()
        if self.average is not None:
            self.average.update_parameters(self.model)
        self.step += 1
        psnr = -10 * error.detach().clamp_min(1e-9).log10().mean()
        return Losses(mean.detach(), bpp.detach().mean(), psnr)

    def _fit_quantiles(self) -> None:
        """Move the hyper-latent's quantiles by CompressAI's auxiliary loss, which needs no data."""
        quantiles = self.bottleneck.quantiles
        quantiles.requires_grad_(True)
        self.auxiliary.zero_grad(set_to_none=True)
        self.bottleneck.loss().backward()
        self.auxiliary.step()
        quantiles.requires_grad_(False)

    def finished(self) -> CodecModel:
        """Return the model to export: the average where there is one."""
        if self.average is None:
            return self.model
        averaged = self.average.module
        assert isinstance(averaged, HyperpriorModel | ElicModel)
        return averaged

    def state(self) -> dict[str, Any]:
        """Return everything that resuming needs; tensors, numbers and text only."""
        return {
            "recipe": {
                k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self.recipe).items()
            },
            "step": self.step,
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "auxiliary": self.auxiliary.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` returned.

        Raises:
            OptionError: The state was reached with another recipe; the sentence names a field.
        """
        check_same_recipe(state["recipe"], asdict(self.recipe), _FREE)
        load_learned(self.model, state["model"], "the checkpoint")
        if self.average is not None:
            load_learned(self.average, state["average"], "the checkpoint")
        self.optimiser.load_state_dict(state["optimiser"])
        self.auxiliary.load_state_dict(state["auxiliary"])
        self.step = state["step"]


def _optimiser(recipe: CodecRecipe, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=recipe.learning_rate)
    from pytorch_optimizer import SOAP

    # The taps of a kernel count as one side; the library cannot merge what is small altogether.
    kernels = [p for p in parameters if p.ndim == 4 and p.numel() > _LARGEST_SIDE]
    others = [p for p in parameters if p.ndim != 4 or p.numel() <= _LARGEST_SIDE]
    return SOAP(
        [{"params": kernels, "merge_dims": True}, {"params": others, "merge_dims": False}],
        lr=recipe.learning_rate,
        betas=(0.95, 0.95),
        weight_decay=0.0,
        precondition_frequency=10,
        max_precondition_dim=_LARGEST_SIDE,
    )


def load_start(model: CodecModel, path: Path) -> None:
    """Load weights to start from.

    These are a checkpoint of this trainer (``.pt``), a weights file, or CompressAI's tensors with
    ``gains`` (Q, M), gain vectors that the synthesis undoes exactly. A tensor smaller than the
    model's fills its leading part, so that a model can be widened and computes what it did.

    Raises:
        WeightsError: the file is missing, unreadable, or its transforms do not fit.
    """
    if path.suffix == ".pt":
        state = resumable(path, _STATE)
        tensors = dict(state["model"])
        for name in ("gains.log_gain", "gains.log_correction"):
            rows = tensors[name]
            tensors[name] = extend_rows(rows, state["recipe"]["qualities"], model.gains.qualities)
        load_learned(model, tensors, str(path))
        return
    tensors, _ = read_safetensors(path)
    gains = model.gains
    if "gains" in tensors:
        tensors["log_gain"] = tensors.pop("gains").float().log()
    for name, network in {**networks_of(model), "bottleneck": bottleneck_of(model)}.items():
        own = network_tensors(tensors, name)
        if own and name.startswith("aggregation"):
            own = widen_aggregation(own, dict(network.named_parameters()))
        transposed = {
            f"{at}.weight" for at, m in network.named_modules() if isinstance(m, nn.ConvTranspose2d)
        }
        for key, parameter in network.named_parameters():
            fits = _fill_leading(parameter, own.get(key), inputs=0 if key in transposed else 1)
            if not fits and name in ("g_a", "g_s"):
                key = f"{name}.{key}"
                raise WeightsError(f"The weights {path} do not fit the recipe: tensor {key!r}.")
    _fill_leading(gains.log_gain, tensors.get("log_gain"))
    if "log_inverse" in tensors:
        _fill_leading(gains.log_correction, tensors["log_inverse"] + tensors["log_gain"])


def widen_aggregation(own: dict[str, Tensor], wide: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return the tensors of a parameter aggregation with zeros where a wider group's are missing.

    Its inputs are spatial context, channel context (not in the first group) and hyper-latent's
    parameters, its outputs scales and means (space_channel_context.py): each widens by itself.

    Args:
        own: the narrow network's, by name.
        wide: the wide network's.
    """
    first, last = min(own)[0], max(own)[0]
    group = own[f"{last}.bias"].shape[0] // 2
    missing = wide[f"{last}.bias"].shape[0] // 2 - group
    weight = own[f"{first}.weight"]
    extra = weight.shape[1] - wide[f"{first}.weight"].shape[1]
    contexts = -extra // (2 * missing) if missing else 0
    inputs = [2 * group] * contexts + [weight.shape[1] - 2 * group * contexts]
    widened = own | {f"{first}.weight": _widen(weight, 1, inputs, 2 * missing, contexts)}
    for name in (f"{last}.weight", f"{last}.bias"):
        widened[name] = _widen(own[name], 0, [group, group], missing, 2)
    return widened


def _widen(tensor: Tensor, dim: int, parts: list[int], zeros: int, count: int) -> Tensor:
    """Return ``tensor`` with ``zeros`` zeros after each of its first ``count`` parts on ``dim``."""
    pieces: list[Tensor] = []
    for index, piece in enumerate(tensor.split(parts, dim)):
        shape = list(piece.shape)
        shape[dim] = zeros if index < count else 0
        pieces += [piece, piece.new_zeros(shape)]
    return torch.cat(pieces, dim)


def load_learned(model: nn.Module, tensors: dict[str, Tensor], origin: str) -> None:
    """Load the tensors of a checkpoint into a model of the same sizes.

    Raises:
        WeightsError: they are of other sizes; the sentence names the first that differs.
    """
    own = model.state_dict()
    for name, value in own.items():
        if name not in tensors or tensors[name].shape != value.shape:
            raise WeightsError(f"{origin} does not fit the recipe: tensor {name!r}.")
    # CompressAI's own loader insists on entropy tables, which a model in training lacks.
    nn.Module.load_state_dict(model, tensors)


def _fill_leading(parameter: nn.Parameter, tensor: Tensor | None, inputs: int = 1) -> bool:
    """Put ``tensor`` into the leading part of ``parameter``; return whether it fits there.

    Zeros on from there along the dimension of ``inputs``: what the narrow model computed, the wide
    one computes, until its new channels learn.
    """
    if tensor is None or tensor.ndim != parameter.ndim:
        return False
    if any(a > b for a, b in zip(tensor.shape, parameter.shape, strict=True)):
        return False
    if tensor.ndim == 4:
        own_outputs = parameter.data.narrow(1 - inputs, 0, tensor.shape[1 - inputs])
        own_outputs.zero_()
    parameter.data[tuple(slice(length) for length in tensor.shape)] = tensor.to(parameter.dtype)
    return True


def seed_step(seed: int, step: int, rank: int) -> Generator:
    """Seed PyTorch's global generators for ``step``, and return the one for its crops."""
    digest = hashlib.sha256(f"latentink codec {seed} {step} {rank}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[8:16], "little") >> 1)
    return Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def spread_qualities(recipe: CodecRecipe, generator: Generator) -> Tensor:
    """Return a quality for each crop (batch,): one from each of ``batch`` equal parts, shuffled."""
    parts = torch.arange(recipe.batch) + torch.rand(recipe.batch, generator=generator)
    low, high = recipe.qualities[0], recipe.qualities[-1]
    order = torch.randperm(recipe.batch, generator=generator)
    return (low + (high - low) * parts / recipe.batch)[order]


@torch.no_grad()
def validate(model: CodecModel, photos: Photos, quality: float) -> tuple[float, float, float]:
    """Return mean bits per pixel, PSNR (dB) and unweighted loss on 256×256 centre crops.

    Rounded latents and their estimated rate; pictures are not rounded to 8 bits.
    """
    training = model.training
    model.eval()
    device = next(model.parameters()).device
    rows = []
    for index in range(len(photos)):
        picture = centre_crop(photos.pixels(index), 256)
        height, width = (side // 64 * 64 for side in picture.shape[-2:])
        if not (height and width):
            continue
        picture = picture[..., :height, :width].contiguous(memory_format=torch.channels_last)
        picture = picture.to(device)
        with torch.autocast(device.type, torch.bfloat16):
            made = model(picture, torch.tensor([quality], device=device), True)
        bpp = float(made.y_bits + made.z_bits) / (height * width)
        error = float((made.picture.clamp(0, 1) - picture).square().mean())
        rows.append(
            (bpp, -10 * math.log10(max(error, 1e-9)), bpp + lagrangian(quality) * 255**2 * error)
        )
    model.train(training)
    bpp, psnr, loss = np.mean(np.array(rows), axis=0)
    return float(bpp), float(psnr), float(loss)


# ------------------------------------------------------------------------------------- run


def plateau_path(out: Path) -> Path:
    """Return where the checkpoint from the end of the plateau is kept."""
    return out.with_suffix(".plateau.pt")


def resumable_state(out: Path, recipe: CodecRecipe) -> dict[str, Any]:
    """Return the checkpoint to go on from: the newest, or the plateau's for a lengthened run.

    Raises:
        WeightsError: there is none that can be read.
        OptionError: the recipe ends before the checkpoint.
    """
    state = resumable(checkpoint_path(out), _STATE)
    then = state["recipe"]
    lengthened = (then["steps"], then["cool_down"]) != (recipe.steps, recipe.cool_down)
    if lengthened and state["step"] > then["steps"] - then["cool_down"]:
        state = resumable(plateau_path(out), _STATE)
    if lengthened and state["step"] > plateau_end(recipe):
        raise OptionError(
            f"The checkpoint is at step {state['step']}, beyond the recipe's plateau of "
            f"{plateau_end(recipe)} steps: raise steps."
        )
    return state


def train_codec(recipe_path: Path, photos: Path | None, out: Path, resume: bool) -> Path:
    """Train after a recipe and export the weights; show progress on the terminal.

    Beside ``out`` lie the newest checkpoint (``.checkpoint.pt``), the one from the end of the
    plateau (``.plateau.pt``), the log (``.csv``) and the validations (``.validation.csv``).
    Interrupting leaves them; ``resume`` continues exactly.

    Args:
        recipe_path: TOML file, see :class:`CodecRecipe`.
        photos: folder of photos in place of the recipe's.
        out: the safetensors file to write; its folder is created.
        resume: go on from the checkpoint.

    Raises:
        OptionError: the recipe or the folder of photos does not serve.
        WeightsError: there is no readable checkpoint to resume from, or the run diverged.
        OutputError: something cannot be written.
    """
    recipe = read_codec_recipe(recipe_path)
    training, held_out = split(list_photos(photos or Path(recipe.photos)))
    fabric = launch_fabric()
    trainer = Trainer(recipe, Photos(training), fabric)
    if resume:
        trainer.restore(resumable_state(out, recipe))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _run(trainer, Photos(held_out), out)
        if fabric.is_global_zero:
            export(trainer, recipe_path, out)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}.") from error
    return out


def launch_fabric() -> Fabric:
    """Return Fabric on whatever there is: a GPU, several under ``torchrun``, or the CPU.

    Raises:
        OptionError: the packages for training are not installed.
    """
    try:
        import pytorch_optimizer  # noqa: F401
        from lightning_fabric import Fabric
    except ImportError as error:
        raise OptionError(
            f"Training needs the package {error.name}: pip install 'latentink[train]'."
        ) from None
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fabric = Fabric(devices=processes, num_nodes=nodes, precision="bf16-mixed")
        fabric.launch()
    return fabric


def _run(trainer: Trainer, held_out: Photos, out: Path) -> None:
    """Advance to the end of the schedule; the first process reports and keeps the checkpoints."""
    recipe = trainer.recipe
    if not trainer.fabric.is_global_zero:
        while trainer.step < recipe.steps:
            trainer.advance()
        return
    first, started = trainer.step, time.monotonic()
    saved, smooth = started, np.zeros(3)
    with (
        training_progress() as progress,
        open_log(log_path(out), LOG_COLUMNS, first) as log,
        open_log(out.with_suffix(".validation.csv"), VALIDATION_COLUMNS, first) as checks,
    ):
        task = progress.add_task("", total=recipe.steps, completed=first, text="")
        try:
            while trainer.step < recipe.steps:
                if trainer.step == plateau_end(recipe) > first:
                    write_checkpoint(trainer.state(), plateau_path(out))
                losses = trainer.advance()
                clock = time.monotonic()
                now = np.array([float(losses.loss), float(losses.bpp), float(losses.psnr)])
                keep = min(_SMOOTHING, 1 - 1 / (trainer.step - first))
                smooth = keep * smooth + (1 - keep) * now
                text = f"loss {smooth[0]:.3f}  {smooth[1]:.3f} bpp  {smooth[2]:.2f} dB"
                progress.update(task, completed=trainer.step, text=text)
                if trainer.step % _LOGGED_STEPS == 0 or trainer.step == recipe.steps:
                    rate = recipe.learning_rate * schedule(trainer.step - 1, recipe)
                    figures = [f"{value:.5f}" for value in smooth]
                    row = [trainer.step, *figures, f"{rate:.3g}", f"{clock - started:.1f}"]
                    csv.writer(log).writerow(row)
                    log.flush()
                if trainer.step % recipe.validation_steps == 0 or trainer.step == recipe.steps:
                    csv.writer(checks).writerows(_validation_rows(trainer, held_out))
                    checks.flush()
                if clock - saved >= recipe.checkpoint_seconds:
                    write_checkpoint(trainer.state(), checkpoint_path(out))
                    saved = clock
        finally:
            write_checkpoint(trainer.state(), checkpoint_path(out))


def _validation_rows(trainer: Trainer, held_out: Photos) -> list[list[str]]:
    model = trainer.finished()
    rows = []
    for quality in sorted({model.gains.qualities[0], 5.0, model.gains.qualities[-1]}):
        bpp, psnr, loss = validate(model, held_out, quality)
        rows.append([f"{trainer.step}", f"{quality:g}", f"{bpp:.4f}", f"{psnr:.3f}", f"{loss:.4f}"])
    return rows


def export(trainer: Trainer, recipe_path: Path, out: Path) -> None:
    """Write the weights file (codecs/weights_file.py), with its making as metadata."""
    recipe = trainer.recipe
    metadata = {
        "format": FORMAT,
        "architecture": recipe.architecture,
        "recipe": recipe_path.name,
        "steps": str(trainer.step),
    }
    write_safetensors(weights_of(trainer.finished(), torch.float16), metadata, out)
