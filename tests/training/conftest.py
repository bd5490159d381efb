"""Photos, pairs and tiny recipes for all tasks, and runs of them that end early."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentink.input_files import read_toml
from latentink.methods.lsb import LsbMatching
from latentink.methods.method import random_bits
from latentink.methods.saving import eight_bits
from latentink.training import discriminator
from latentink.training.detector import train_detector
from latentink.training.photos import Photos
from latentink.training.picture_pairs import PicturePairs
from latentink.training.recipes import read_recipe
from latentink.training.registry import load_task, train_on_photos
from latentink.training.trainer import Trainer
from photos import astronaut

TINY: dict[str, dict[str, Any]] = {
    "codec": {
        "channels": 8,
        "latent_channels": 12,
        "start": "",
        "cool_down": 2,
        "warm_up": 1,
        "crop": 64,
        "rounded_from": 2,
        "compile": False,
        "validation_steps": 2,
    },
    "decoder": {"hidden": 4, "crop": 24},
    "discriminator": {"width": 2, "crop": 32},
    "liso": {"start": "", "hidden": 4, "iterations": 2, "crop": 16},
    "detector": {"crop": 64, "batch": 1, "held_out": 0.5},
}
"""What makes a recipe of each task quick."""


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos, the second one smaller than most crops, the third held out, and a text."""
    folder = tmp_path_factory.mktemp("photos")
    for number, (top, left, height, width) in enumerate(
        [(0, 100, 96, 90), (100, 60, 20, 33), (200, 100, 80, 96)]
    ):
        Image.fromarray(astronaut(top, left, height, width)).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture(scope="session")
def pool(photos: Path) -> Photos:
    """The photos of :func:`photos`, read."""
    return Photos(sorted(photos.glob("*.png")))


@pytest.fixture(scope="session")
def pairs() -> PicturePairs:
    """Nine photos with and without random bits in the three lowest bits of their pixels."""
    corners = [(top, left) for top in (0, 128, 256) for left in (0, 160, 320)]
    covers = [astronaut(top, left, 96, 80 + top // 8) for top, left in corners]
    return PicturePairs(covers, [matched(cover, seed) for seed, cover in enumerate(covers)])


def matched(cover: np.ndarray, seed: int) -> np.ndarray:
    method = LsbMatching(3)
    bits = random_bits(method.bits_shape(cover), seed)
    return eight_bits(method.embed(cover, bits, seed).picture)


@pytest.fixture
def recipe_of(tmp_path: Path) -> Callable[..., Path]:
    """Writes a tiny recipe of a task, from another recipe and with changes where they are given."""

    def write(task: str, shipped: Path | None = None, **changes: Any) -> Path:
        values = read_toml(shipped, "The recipe") if shipped else {}
        values |= {"steps": 4, "batch": 2, "checkpoint_seconds": 0, **TINY[task]}
        if values.get("architecture") == "elic":
            values["latent_channels"] = 132
        values |= changes
        path = tmp_path / f"{task}.toml"
        path.write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items()))
        return path

    return write


@pytest.fixture
def trainer_of(
    recipe_of: Callable[..., Path], pool: Photos, pairs: PicturePairs
) -> Callable[..., Trainer]:
    """Makes a trainer of a task after a tiny recipe with changes, on all photos or pairs."""

    def make(task: str, data: Any = None, **changes: Any) -> Trainer:
        kind = load_task(task)
        data = data or (pairs if task == "detector" else pool)
        recipe: Any = read_recipe(recipe_of(task, **changes), kind.recipe_type)
        return Trainer(kind(recipe, data, data))

    return make


@pytest.fixture
def train(
    photos: Path, pairs: PicturePairs, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Trains a task as the command does, and exports it; see ``train_on_photos``."""
    # A discriminator's accuracies take longer than a tiny run.
    monkeypatch.setattr(discriminator, "accuracy_by_quality", lambda *_: {})

    def run(task: str, recipe: Path, out: Path, resume: bool = False) -> Path:
        if task == "detector":
            return train_detector(recipe, pairs, out, resume)
        return train_on_photos(task, recipe, photos, out, resume)

    return run


class Killed(BaseException):
    """What no code catches, as if the process were gone."""


@pytest.fixture
def killed_after(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[int], AbstractContextManager[None]]:
    """Ends a run in the block after some steps, without a chance to write anything."""

    @contextmanager
    def kill(steps: int) -> Iterator[None]:
        advance = Trainer.advance

        def mortal(trainer: Trainer) -> Any:
            if trainer.step == steps:
                raise Killed
            return advance(trainer)

        monkeypatch.setattr(Trainer, "advance", mortal)
        with pytest.raises(Killed):
            yield
        monkeypatch.setattr(Trainer, "advance", advance)

    return kill
