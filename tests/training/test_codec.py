"""Training a codec."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from latentink.codecs.importing import import_weights
from latentink.codecs.loading import load_codec
from latentink.errors import WeightsError
from latentink.tensor_files import read_checkpoint
from latentink.training.checkpoints import newest
from latentink.training.codec import CodecRecipe, spread_qualities
from latentink.training.logs import log_path
from latentink.training.trainer import Trainer


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("architecture", "channels", "optimiser", "steps"),
    [("hyperprior", 12, "soap", 40), ("hyperprior", 12, "adam", 40), ("elic", 132, "adam", 12)],
)
def test_training_lowers_the_loss_and_ships_a_codec(
    architecture: str,
    channels: int,
    optimiser: str,
    steps: int,
    trainer_of: Callable[..., Trainer],
    tmp_path: Path,
) -> None:
    changes = {"architecture": architecture, "latent_channels": channels, "optimiser": optimiser}
    trainer = trainer_of("codec", steps=steps, learning_rate=3e-3, **changes)
    losses = [float(trainer.advance()["loss"]) for _ in range(steps)]
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
    trainer.task.export(tmp_path / "codec.safetensors", {})
    assert load_codec(architecture, tmp_path / "codec.safetensors").qualities == [3, 4, 5, 6, 7, 8]


def test_the_log_is_a_moving_average_and_held_out_photos_are_measured_on_the_way(
    recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    recipe = recipe_of("codec", steps=21, validation_steps=10)
    out = train("codec", recipe, tmp_path / "codec.safetensors")
    log = rows(log_path(out))
    assert [row["step"] for row in log] == ["20", "21"]
    assert float(log[0]["loss"]) == pytest.approx(float(log[1]["loss"]), rel=0.3)
    checks = rows(out.with_suffix(".validation.csv"))
    assert [row["step"] for row in checks] == ["10"] * 3 + ["20"] * 3 + ["21"] * 3
    assert [row["quality"] for row in checks[:3]] == ["3", "5", "8"]
    assert all(float(row["bpp"]) > 0 for row in checks)


def test_a_checkpoint_becomes_weights(
    recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    out = train("codec", recipe_of("codec"), tmp_path / "codec.safetensors")
    made = import_weights(newest(out), codec="hyperprior", out=tmp_path / "own.safetensors")
    shipped = load_file(out)
    for name, tensor in load_file(made.path).items():
        assert torch.equal(tensor, shipped[name]), name
    with pytest.raises(WeightsError, match="trains elic"):
        import_weights(newest(out), codec="elic", out=tmp_path / "x.safetensors")


def test_the_average_is_what_ships(
    recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    out = train("codec", recipe_of("codec", average=0.9), tmp_path / "codec.safetensors")
    state = read_checkpoint(newest(out))
    shipped = load_file(out)["g_a.0.weight"]
    averaged = state["average"]["module.network.g_a.0.weight"]
    assert torch.equal(shipped, averaged.half())
    assert not torch.equal(shipped, state["model"]["network.g_a.0.weight"].half())


def test_qualities_are_spread_over_the_range() -> None:
    drawn = spread_qualities(CodecRecipe(batch=5), torch.Generator().manual_seed(0))
    assert sorted(int(quality - 3) for quality in drawn) == [0, 1, 2, 3, 4]
