"""Every setting is explained and holds its own limits; a wrong recipe is a sentence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from latentink.errors import OptionError
from latentink.training.recipes import read_recipe, settings
from latentink.training.registry import TASKS, load_task

RECIPES = Path(load_task.__code__.co_filename).parent / "recipes"


@pytest.mark.parametrize("task", TASKS)
def test_every_setting_has_a_meaning_and_allows_its_default(task: str) -> None:
    recipe = load_task(task).recipe_type
    known = settings(recipe)
    for field in fields(recipe):
        assert known[field.name].meaning
        values = field.default if isinstance(field.default, tuple) else (field.default,)
        assert [known[field.name].problem(value) for value in values] == [""] * len(values)


@pytest.mark.parametrize(
    ("task", "text", "sentence"),
    [
        ("decoder", "stepz = 3", "unknown key 'stepz'"),
        ("decoder", "steps = 0", r"steps = 0, not 1 to 1e\+09 \(optimiser steps\)"),
        ("decoder", "steps = 1.5", "of type int"),
        ("decoder", "steps = true", "of type int"),
        ("decoder", "density = 2", "density"),
        ("decoder", 'codec = "jpeg"', "codec = 'jpeg'"),
        ("decoder", "learning_rate = nan", "learning_rate"),
        ("decoder", "steps = ", "not TOML"),
        ("codec", "crop = 100", "no multiple of 64"),
        ("codec", "qualities = [5, 3]", "do not ascend"),
        ("codec", "qualities = [3, 'x']", "qualities = 'x'"),
        ("codec", "qualities = [9]", "qualities = 9"),
        ("codec", "cool_down = 7\nsteps = 5", "longer than it runs"),
        ("codec", 'optimiser = "sgd"', "optimiser = 'sgd'"),
        ("codec", 'architecture = "elic"\nlatent_channels = 100', "fewer than 129"),
        ("discriminator", 'codec = "jpeg"', "codec = 'jpeg'"),
        ("discriminator", "crop = 40", "no multiple of 16"),
        ("discriminator", "width = 0", "width = 0"),
        ("liso", "iterations = 0", "iterations = 0"),
        ("liso", "gamma = 0", "gamma"),
        ("liso", 'saving = "webp"', "saving"),
        ("liso", 'subsampling = "4:1:0"', "subsampling"),
        ("liso", "quality = 101", "quality"),
        ("liso", "critic_weight = -1", "critic_weight"),
        ("detector", 'network = "srnet"', "network = 'srnet'"),
        ("detector", 'optimiser = "lion"', "optimiser = 'lion'"),
        ("detector", "crop = 63", "crop = 63"),
        ("detector", "batch = 0", "batch = 0"),
        ("detector", "held_out = 1", "held_out = 1"),
        ("detector", "contrastive_weight = -1", "contrastive_weight"),
        ("detector", 'photos = "x"', "unknown key 'photos'"),
    ],
)
def test_a_wrong_recipe_is_a_sentence(task: str, text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(OptionError, match=sentence):
        read_recipe(path, load_task(task).recipe_type)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"none\.toml"):
        read_recipe(tmp_path / "none.toml", load_task("decoder").recipe_type)


def test_shipped_recipes_are_what_their_names_say() -> None:
    def shipped(stem: str) -> dict[str, object]:
        task = stem.partition("_")[0]
        return read_recipe(RECIPES / f"{stem}.toml", load_task(task).recipe_type).values()

    for path in RECIPES.glob("decoder_*.toml"):
        assert path.stem.endswith(f"_d{shipped(path.stem)['data_depth']}")
    for codec in ("hyperprior", "elic"):
        assert shipped(f"codec_{codec}")["qualities"] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert shipped(f"codec_{codec}")["architecture"] == codec
        assert shipped(f"discriminator_{codec}")["codec"] == codec
    for network in ("xunet", "yenet", "siastegnet"):
        assert shipped(f"detector_{network}")["network"] == network
