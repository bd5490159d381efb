"""Trains a network that detects stegos, on pairs of a cover and a stego of the same photo.

```
 pair i ─► the same crop, flip and turn of both ─► network ─► cross-entropy
                                                      └──► (SiaStegNet) contrastive loss
```

A step sees both of each pair, as in all three papers (steganalysis/xunet.py, yenet.py,
siastegnet.py): what only the photo says cancels, and batch norm's statistics are those of both
kinds. Flips and quarter turns are the papers' augmentation.

Everything random in step n comes from generators seeded by (seed, n), as in training/decoder.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from latentink.errors import OptionError
from latentink.metrics.detection import accuracy, auc, least_error
from latentink.steganalysis.detector import Evidence
from latentink.steganalysis.network_detector import (
    MIN_SIDE,
    NETWORKS,
    NetworkDetector,
    check_size,
    make_network,
    save_detector,
)
from latentink.steganalysis.siastegnet import MARGIN, SiaStegNet, contrastive_loss
from latentink.training.checkpoints import check_same_recipe, checkpoint_path, resumable
from latentink.training.decoder import schedule, step_generator
from latentink.training.recipes import read_recipe
from latentink.training.run import run

LOG_COLUMNS = ("step", "loss", "accuracy", "seconds")
_RECIPES = Path(__file__).parent / "recipes"
_STATE = frozenset({"recipe", "step", "network", "optimiser"})
# It does not change what a step computes.
_FREE = frozenset({"checkpoint_seconds"})


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run yields.

    Attributes:
        network: ``"xunet"``, ``"yenet"`` or ``"siastegnet"``.
        optimiser: ``"sgd"`` (momentum 0.9; XuNet's), ``"adadelta"`` (ρ 0.95; YeNet's),
            ``"adamax"`` (SiaStegNet's) or ``"adamw"``.
        learning_rate: at its peak; 3 % of the steps lead up to it and a cosine down to 0. The
            papers' are 0.001, 0.4 and 0.001.
        weight_decay: of the optimiser.
        contrastive_weight: of SiaStegNet's contrastive loss beside the cross-entropy (nats).
        contrastive_margin: distance from which on the halves of a stego differ enough.
        steps: optimiser steps.
        batch: pairs a step; the network sees twice as many crops.
        crop: side of a crop in pixels.
        held_out: share of the pairs kept from training and measured at the end.
        seed: seed of everything random.
        checkpoint_seconds: seconds between checkpoints.
    """

    network: str = "xunet"
    optimiser: str = "adamax"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    contrastive_weight: float = 0.1
    contrastive_margin: float = MARGIN
    steps: int = 3000
    batch: int = 8
    crop: int = 128
    held_out: float = 0.1
    seed: int = 1
    checkpoint_seconds: float = 30.0


LIMITS: dict[str, tuple[float, float]] = {
    "learning_rate": (1e-9, 100),
    "weight_decay": (0, 1),
    "contrastive_weight": (0, 1e9),
    "contrastive_margin": (0, 1e9),
    "steps": (1, 1e9),
    "batch": (1, 4096),
    "crop": (MIN_SIDE, 4096),
    "held_out": (0, 0.9),
    "seed": (0, 2**31),
    "checkpoint_seconds": (0, 1e9),
}
CHOICES = {
    "network": tuple(NETWORKS),
    "optimiser": ("sgd", "adadelta", "adamax", "adamw"),
}


def read_detector_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file whose keys are the fields of :class:`Recipe`.

    Raises:
        OptionError: see :func:`latentink.training.recipes.read_recipe`.
    """
    return read_recipe(path, Recipe, LIMITS, CHOICES)


def shipped_recipe(network: str) -> Recipe:
    """Return latentink's own recipe of a network.

    Raises:
        OptionError: there is none.
    """
    return read_detector_recipe(_RECIPES / f"detector_{network}.toml")


# ----------------------------------------------------------------------------------- pairs


class Pairs:
    """Covers and stegos of the same photos.

    Attributes:
        covers: (H, W, 3) uint8 each.
        stegos: the same sizes.
    """

    def __init__(self, covers: Sequence[np.ndarray], stegos: Sequence[np.ndarray]) -> None:
        """Take the pictures as they are, without a copy.

        Raises:
            OptionError: no pairs, numbers or sizes that differ, or a picture smaller than 64×64.
        """
        if len(covers) != len(stegos) or not covers:
            raise OptionError(
                f"A network is trained on pairs of a cover and its stego, not on {len(covers)} "
                f"covers and {len(stegos)} stegos."
            )
        for cover, stego in zip(covers, stegos, strict=True):
            check_size(cover)
            if cover.shape != stego.shape:
                raise OptionError(
                    f"A cover is {cover.shape[1]}×{cover.shape[0]}, its stego is "
                    f"{stego.shape[1]}×{stego.shape[0]}; a pair has one size."
                )
        self.covers = list(covers)
        self.stegos = list(stegos)

    def __len__(self) -> int:
        return len(self.covers)

    def smallest_side(self) -> int:
        """Return the shortest side of all pictures, pixels."""
        return min(min(cover.shape[:2]) for cover in self.covers)

    def chosen(self, indices: Sequence[int]) -> Pairs:
        """Return some of the pairs."""
        return Pairs([self.covers[i] for i in indices], [self.stegos[i] for i in indices])

    def crops(self, count: int, side: int, generator: Generator) -> Tensor:
        """Return crops of ``count`` pairs, (2 · count, 3, side, side) in [0, 1].

        The covers come first, then the stegos in the same order, with the same position, flip and
        turn. No pair comes twice while there are others.

        Args:
            count: how many pairs.
            side: pixels, at most :meth:`smallest_side`.
            generator: of everything random.
        """
        rounds = -(-count // len(self))
        orders = [torch.randperm(len(self), generator=generator) for _ in range(rounds)]
        drawn = [self._crop(int(i), side, generator) for i in torch.cat(orders)[:count]]
        crops = torch.cat([torch.stack(crops) for crops in zip(*drawn, strict=True)])
        return crops.permute(0, 3, 1, 2).float().div_(255)

    def _crop(self, index: int, side: int, generator: Generator) -> tuple[Tensor, Tensor]:
        height, width = self.covers[index].shape[:2]
        top = _below(height - side + 1, generator)
        left = _below(width - side + 1, generator)
        turns, flipped = _below(4, generator), _below(2, generator)
        window = np.s_[top : top + side, left : left + side]
        both = np.stack((self.covers[index][window], self.stegos[index][window]))
        both = np.rot90(both, turns, axes=(1, 2))
        if flipped:
            both = both[:, :, ::-1]
        cover, stego = torch.from_numpy(both.copy())
        return cover, stego


def _below(bound: int, generator: Generator) -> int:
    return int(torch.randint(bound, (1,), generator=generator))


def split_pairs(pairs: Pairs, share: float, seed: int) -> tuple[Pairs, Pairs]:
    """Return the pairs to train on and those held out: ``share`` of them, at least one.

    Raises:
        OptionError: fewer than two pairs.
    """
    if len(pairs) < 2:
        raise OptionError("Training takes two pairs or more: one is held out for measuring.")
    generator = Generator().manual_seed(seed)
    order = torch.randperm(len(pairs), generator=generator).tolist()
    count = min(max(1, round(share * len(pairs))), len(pairs) - 1)
    return pairs.chosen(order[count:]), pairs.chosen(order[:count])


# -------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Figures:
    """What a step measured.

    Attributes:
        loss: cross-entropy in nats, plus SiaStegNet's weighted contrastive loss.
        accuracy: share of the crops that the network calls right.
    """

    loss: float
    accuracy: float

    def row(self) -> list[str]:
        """Return the figures for the log."""
        return [f"{self.loss:.5f}", f"{self.accuracy:.5f}"]

    def text(self) -> str:
        """Return the figures for the progress line."""
        return f"loss {self.loss:.3f}  right {self.accuracy:.1%}"


@dataclass(frozen=True)
class Measurement:
    """What a detector does on pairs that it has not seen; see metrics/detection.py.

    Attributes:
        accuracy: at the detector's threshold.
        auc: area under the ROC.
        error: P_E.
    """

    accuracy: float
    auc: float
    error: float


class Trainer:
    """The network, its optimiser and the number of steps done."""

    def __init__(self, recipe: Recipe, pairs: Pairs) -> None:
        """Start from random weights.

        Raises:
            OptionError: a picture is smaller than the recipe's crop.
        """
        if pairs.smallest_side() < recipe.crop:
            raise OptionError(
                f"The recipe takes crops of {recipe.crop} pixels, a picture has a side of "
                f"{pairs.smallest_side()}; lower crop or leave small pictures out."
            )
        self.recipe = recipe
        self.pairs = pairs
        self.step = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.network = make_network(recipe.network)
        self.network.to(memory_format=torch.channels_last)
        self.optimiser = _optimiser(recipe, self.network)

    def advance(self) -> Figures:
        """Do one optimiser step and return what it measured."""
        recipe = self.recipe
        generator = step_generator(recipe.seed, self.step)
        crops = self.pairs.crops(recipe.batch, recipe.crop, generator)
        crops = crops.contiguous(memory_format=torch.channels_last)
        labels = torch.arange(2).repeat_interleave(recipe.batch)
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate * schedule(self.step, recipe.steps)
        with torch.random.fork_rng(devices=[]), torch.autocast("cpu", dtype=torch.bfloat16):
            # Dropout draws from the global generator.
            torch.manual_seed(generator.initial_seed())
            loss, logits = detection_loss(self.network, crops, labels, recipe)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.step += 1
        right = (logits.argmax(1) == labels).float().mean()
        return Figures(loss.item(), right.item())

    def state(self) -> dict[str, Any]:
        """Return everything that resuming needs; tensors, numbers and text only."""
        return {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` returned.

        Raises:
            OptionError: the state was reached with another recipe; the sentence names a field.
        """
        check_same_recipe(state["recipe"], asdict(self.recipe), _FREE)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def _optimiser(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    parameters = network.parameters()
    rate, decay = recipe.learning_rate, recipe.weight_decay
    match recipe.optimiser:
        case "sgd":
            return torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay)
        case "adadelta":
            return torch.optim.Adadelta(parameters, rate, rho=0.95, eps=1e-8, weight_decay=decay)
        case "adamax":
            return torch.optim.Adamax(parameters, rate, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(parameters, rate, weight_decay=decay)
    raise OptionError(f"There is no optimiser {recipe.optimiser!r}.")


def detection_loss(
    network: nn.Module, pictures: Tensor, labels: Tensor, recipe: Recipe
) -> tuple[Tensor, Tensor]:
    """Return the loss and the logits (B, 2), both float32.

    Args:
        network: of :data:`latentink.steganalysis.network_detector.NETWORKS`.
        pictures: (B, 3, H, W) in [0, 1].
        labels: (B,) of 0 for covers and 1 for stegos.
        recipe: says the weight and the margin of SiaStegNet's contrastive loss.
    """
    if not isinstance(network, SiaStegNet):
        logits = network(pictures).float()
        return F.cross_entropy(logits, labels), logits
    left, right = network.halves(pictures)
    logits = network.classify(left, right).float()
    contrast = contrastive_loss(left, right, labels, recipe.contrastive_margin)
    return F.cross_entropy(logits, labels) + recipe.contrastive_weight * contrast, logits


def fitted(recipe: Recipe, pairs: Pairs, seed: int) -> nn.Module:
    """Return a network trained on all ``pairs``, without a checkpoint, a log or pairs held out.

    Args:
        recipe: what to train after; its crop shrinks to the smallest picture.
        pairs: two or more.
        seed: in place of the recipe's.

    Raises:
        OptionError: fewer than two pairs, or a seed out of range.
    """
    if len(pairs) < 2:
        raise OptionError("Training a network takes two pairs or more.")
    low, high = LIMITS["seed"]
    if not low <= seed <= high:
        raise OptionError(f"The seed is {seed}, not {low:g} to {high:g}.")
    recipe = replace(recipe, seed=seed, crop=min(recipe.crop, pairs.smallest_side()))
    trainer = Trainer(recipe, pairs)
    while trainer.step < recipe.steps:
        trainer.advance()
    return trainer.network


def evaluate(detector: NetworkDetector, pairs: Pairs) -> Measurement:
    """Measure on the whole pictures of all ``pairs``, in float32."""
    covers = [detector.score(Evidence(b"", picture)) for picture in pairs.covers]
    stegos = [detector.score(Evidence(b"", picture)) for picture in pairs.stegos]
    return Measurement(
        accuracy(covers, stegos, detector.threshold),
        auc(covers, stegos),
        least_error(covers, stegos),
    )


# ------------------------------------------------------------------------------------- run


def train_detector(
    recipe_path: Path,
    covers: Sequence[np.ndarray],
    stegos: Sequence[np.ndarray],
    out: Path,
    resume: bool,
) -> Path:
    """Train after a recipe and export the detector; show progress on the terminal.

    Beside ``out`` lie the newest checkpoint (``.checkpoint.pt``) and the log (``.csv``: step,
    loss, accuracy, seconds). Interrupting leaves both; ``resume`` continues exactly, given the
    same pairs.

    Args:
        recipe_path: TOML file, see :class:`Recipe`.
        covers: (H, W, 3) uint8 each, the recipe's crop or larger.
        stegos: of the same photos in the same order, at the same sizes.
        out: the safetensors file to write; its folder is created.
        resume: continue from the checkpoint.

    Returns:
        ``out``, for :func:`latentink.steganalysis.network_detector.load_detector`.

    Raises:
        OptionError: the recipe or the pairs do not serve.
        WeightsError: there is no readable checkpoint to resume from.
        OutputError: ``out``, the checkpoint or the log cannot be written.
    """
    recipe = read_detector_recipe(recipe_path)
    training, held_out = split_pairs(Pairs(covers, stegos), recipe.held_out, recipe.seed)
    trainer = Trainer(recipe, training)
    if resume:
        trainer.restore(resumable(checkpoint_path(out), _STATE))
    run(trainer, out, LOG_COLUMNS, recipe.steps, recipe.checkpoint_seconds)
    detector = NetworkDetector(recipe.network, recipe)
    detector.network = trainer.network.eval()
    measured = evaluate(detector, held_out)
    notes = {
        "recipe": recipe_path.name,
        "steps": str(trainer.step),
        "training_pairs": str(len(training)),
        "held_out_pairs": str(len(held_out)),
        "held_out_accuracy": f"{measured.accuracy:.5f}",
        "held_out_auc": f"{measured.auc:.5f}",
        "held_out_p_e": f"{measured.error:.5f}",
    }
    save_detector(detector, out, notes)
    return out
