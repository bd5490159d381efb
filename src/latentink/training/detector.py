"""Trains a network that detects stegos, on pairs of a cover and a stego of the same photo.

```
 pair i ─► the same crop, flip and turn of both ─► network ─► cross-entropy
                                                      └──► (SiaStegNet) contrastive loss
```

A step sees both of each pair, as in all three papers (steganalysis/xunet.py, yenet.py,
siastegnet.py): what only the photo says cancels, and batch norm's statistics are those of both
kinds. Flips and quarter turns are the papers' augmentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import OptionError
from latentink.metrics.detection import accuracy, auc, least_error
from latentink.steganalysis.detector import Detector, Evidence, LearningDetector
from latentink.steganalysis.network_detector import (
    MIN_SIDE,
    NETWORKS,
    NetworkDetector,
    make_network,
    save_detector,
)
from latentink.steganalysis.siastegnet import MARGIN, SiaStegNet, contrastive_loss
from latentink.training.picture_pairs import PicturePairs, split_pairs
from latentink.training.recipes import Recipe, read_recipe, setting, settings
from latentink.training.seeding import seeded
from latentink.training.task import Column, Step, Task
from latentink.training.trainer import Trainer

_RECIPES = Path(__file__).parent / "recipes"
OPTIMISERS = ("sgd", "adadelta", "adamax", "adamw")


@dataclass(frozen=True)
class DetectorRecipe(Recipe):
    """Everything that decides what training a detector yields.

    The papers' optimisers and learning rates: XuNet has ``"sgd"`` (momentum 0.9) at 0.001, YeNet
    ``"adadelta"`` (ρ 0.95) at 0.4, SiaStegNet ``"adamax"`` at 0.001.
    """

    network: str = setting("xunet", "what is trained", choices=tuple(NETWORKS))
    optimiser: str = setting("adamax", "by name", choices=OPTIMISERS)
    learning_rate: float = setting(1e-3, "at its peak; see ``schedule``", 1e-9, 100)
    weight_decay: float = setting(0.0, "of the optimiser", 0, 1)
    contrastive_weight: float = setting(0.1, "of SiaStegNet's contrastive loss", 0, 1e9)
    contrastive_margin: float = setting(MARGIN, "how far a stego's halves should differ", 0, 1e9)
    batch: int = setting(8, "pairs a step; the network sees twice as many crops", 1, 4096)
    crop: int = setting(128, "side of a crop, pixels", MIN_SIDE, 4096)
    held_out: float = setting(0.1, "share of the pairs kept from training", 0, 0.9)


def shipped_recipe(network: str) -> DetectorRecipe:
    """Return latentink's own recipe of a network."""
    return read_recipe(_RECIPES / f"detector_{network}.toml", DetectorRecipe)


class DetectorTask(Task[DetectorRecipe, PicturePairs]):
    """A network against pairs of a cover and a stego."""

    recipe_type = DetectorRecipe
    seed_word = "decoder"
    columns = (Column("loss", ".5f", "loss {:.3f}"), Column("accuracy", ".5f", "right {:.1%}"))

    def build(self) -> None:
        """Make the network and its optimiser.

        Raises:
            OptionError: a picture is smaller than the recipe's crop.
        """
        smallest = self.training.smallest_side()
        if smallest < self.recipe.crop:
            raise OptionError(
                f"The recipe takes crops of {self.recipe.crop} pixels, a picture has a side of "
                f"{smallest}; lower crop or leave small pictures out."
            )
        with seeded(self.recipe.seed):
            self.network = make_network(self.recipe.network)
        self.network.to(memory_format=torch.channels_last)
        self.optimiser = _optimiser(self.recipe, self.network)

    def advance(self, step: Step) -> dict[str, Tensor | float]:
        """Tell the covers of a batch from its stegos."""
        recipe = self.recipe
        crops = self.training.crops(recipe.batch, recipe.crop, step.generator)
        labels = torch.arange(2).repeat_interleave(recipe.batch)
        crops, labels = step.fabric.to_device((crops, labels))
        # Dropout draws from the global generators.
        torch.manual_seed(step.generator.initial_seed())
        with step.fabric.autocast():
            loss, logits = detection_loss(self.network, crops, labels, recipe)
        step.descend(self.optimiser, loss, None)
        right = (logits.argmax(1) == labels).float().mean()
        return {"loss": loss.detach(), "accuracy": right}

    def export(self, out: Path, notes: dict[str, str]) -> None:
        """Write the detector with what it does on the pairs held out."""
        detector = NetworkDetector(self.recipe.network, self.network)
        notes["training_pairs"] = str(len(self.training))
        notes["held_out_pairs"] = str(len(self.held_out))
        for name, value in measure_detector(detector, self.held_out).items():
            notes[f"held_out_{name}"] = f"{value:.5f}"
        save_detector(detector, out, notes)


TASK = DetectorTask


def _optimiser(recipe: DetectorRecipe, network: nn.Module) -> torch.optim.Optimizer:
    parameters, decay = network.parameters(), recipe.weight_decay
    match recipe.optimiser:
        case "sgd":
            return torch.optim.SGD(parameters, momentum=0.9, weight_decay=decay)
        case "adadelta":
            return torch.optim.Adadelta(parameters, rho=0.95, eps=1e-8, weight_decay=decay)
        case "adamax":
            return torch.optim.Adamax(parameters, weight_decay=decay)
        case _:
            return torch.optim.AdamW(parameters, weight_decay=decay)


def detection_loss(
    network: nn.Module, pictures: Tensor, labels: Tensor, recipe: DetectorRecipe
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


def measure_detector(detector: Detector, pairs: PicturePairs) -> dict[str, float]:
    """Return accuracy (at the detector's threshold), AUC and P_E on whole pictures of ``pairs``."""
    covers = [detector.score(Evidence(b"", picture)) for picture in pairs.covers]
    stegos = [detector.score(Evidence(b"", picture)) for picture in pairs.stegos]
    return {
        "accuracy": accuracy(covers, stegos, detector.threshold),
        "auc": auc(covers, stegos),
        "p_e": least_error(covers, stegos),
    }


def must_learn(detector: Detector) -> bool:
    """Return whether a detector has to be fitted before it scores."""
    untrained = isinstance(detector, NetworkDetector) and not detector.trained
    return untrained or isinstance(detector, LearningDetector)


def fit_detector(
    detector: Detector,
    covers: Sequence[Evidence],
    stegos: Sequence[Evidence],
    seed: int,
    recipe: DetectorRecipe | None = None,
    device: str = DEFAULT_DEVICE,
) -> None:
    """Fit any detector that learns: a network from random weights, others by their own ``fit``.

    Args:
        detector: what to fit.
        covers: files without a message.
        stegos: files with one; for a network, number i is cover i's photo at the same size.
        seed: of everything random; for a network 0 to 2³¹, in place of the recipe's.
        recipe: of a network, the shipped one by default; its crop shrinks to the smallest picture.
        device: where a network learns: a key of :data:`latentink.devices.DEVICES`.

    Raises:
        OptionError: too few pairs, pairs that the detector cannot look at, a seed out of range, or
            a recipe of another network.
    """
    if isinstance(detector, LearningDetector):
        detector.fit(covers, stegos, seed)
        return
    assert isinstance(detector, NetworkDetector)
    pairs = PicturePairs([e.picture for e in covers], [e.picture for e in stegos])
    recipe = recipe or shipped_recipe(detector.name)
    if recipe.network != detector.name:
        raise OptionError(
            f"The recipe is for {recipe.network}, the detector is {detector.name}; "
            "take the same network."
        )
    if len(pairs) < 2:
        raise OptionError("Training a network takes two pairs or more.")
    if problem := settings(DetectorRecipe)["seed"].problem(seed):
        raise OptionError(f"The seed is {problem}.")
    recipe = replace(recipe, seed=seed, crop=min(recipe.crop, pairs.smallest_side()))
    task = DetectorTask(recipe, pairs, pairs)
    Trainer(task, device).finish()
    detector.learned(task.network.cpu())


def train_detector(
    recipe_path: Path,
    pairs: PicturePairs,
    out: Path,
    resume: bool,
    device: str = DEFAULT_DEVICE,
) -> Path:
    """Train after a recipe and export the detector; see :meth:`Trainer.train`.

    Args:
        recipe_path: TOML file whose keys are fields of :class:`DetectorRecipe`.
        pairs: pictures of the recipe's crop or larger.
        out: the safetensors file to write, for ``load_detector``; its folder is created.
        resume: continue from the checkpoint, exactly if the pairs are the same.
        device: where to train: a key of :data:`latentink.devices.DEVICES`.

    Raises:
        OptionError: the recipe or the pairs do not serve.
    """
    recipe = read_recipe(recipe_path, DetectorRecipe)
    training, held_out = split_pairs(pairs, recipe.held_out, recipe.seed)
    task = DetectorTask(recipe, training, held_out)
    return Trainer(task, device).train(recipe_path, out, resume)
