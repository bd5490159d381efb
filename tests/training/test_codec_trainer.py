"""The codec's trainer learns, resumes exactly, shares work, and names what is wrong."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from typer.testing import CliRunner

from latentink.cli.main import app
from latentink.codecs.implementation import implementation_of
from latentink.codecs.importing import import_weights
from latentink.codecs.loading import load_codec
from latentink.codecs.model import CodecModel, weights_of
from latentink.errors import OptionError, OutputError, WeightsError
from latentink.tensor_files import write_safetensors
from latentink.training import codec as training
from latentink.training.checkpoints import checkpoint_path, resumable
from latentink.training.codec import (
    CodecRecipe,
    load_start,
    plateau_path,
    read_codec_recipe,
    schedule,
    spread_qualities,
    train_codec,
)
from latentink.training.logs import log_path

RECIPES = Path(training.__file__).parent / "recipes"
TINY = """
channels = 8
latent_channels = 12
steps = 6
cool_down = 2
batch = 2
crop = 64
warm_up = 1
rounded_from = 2
checkpoint_seconds = 0
validation_steps = 3
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for i, size in enumerate([(80, 100), (70, 64), (64, 90)]):
        coarse = generator.integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size[::-1]).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["codec_hyperprior.toml", "codec_elic.toml"])
def test_the_recipes_that_ship_are_valid(name):
    assert read_codec_recipe(RECIPES / name).qualities == (1, 2, 3, 4, 5, 6, 7, 8)


@pytest.mark.parametrize("architecture", ["hyperprior", "elic"])
def test_training_lowers_the_loss_and_ships_a_codec(recipe, photos, tmp_path, architecture):
    more = "steps = 40\nlearning_rate = 3e-3\n"
    latent = 'latent_channels = 132\narchitecture = "elic"\n' if architecture == "elic" else ""
    text = TINY.replace("steps = 6\n", more)
    recipe.write_text(text.replace("latent_channels = 12\n", latent or "latent_channels = 12\n"))
    out = tmp_path / "new" / "codec.safetensors"
    train_codec(recipe, photos, out, resume=False)
    log = rows(log_path(out))
    assert float(log[-1]["loss"]) < 0.8 * float(log[0]["loss"])
    checks = rows(out.with_suffix(".validation.csv"))
    assert {row["quality"] for row in checks} == {"3", "5", "8"}
    codec = load_codec(architecture, out)
    assert codec.qualities == [3, 4, 5, 6, 7, 8]


def test_a_resumed_run_is_the_run_that_was_never_interrupted(recipe, photos, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train_codec(recipe, photos, whole, resume=False)
    advance = training.Trainer.advance

    def interrupted(trainer: training.Trainer) -> training.Losses:
        if trainer.step == 3:
            raise KeyboardInterrupt
        return advance(trainer)

    monkeypatch.setattr(training.Trainer, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_codec(recipe, photos, parts, resume=False)
    monkeypatch.undo()
    assert resumable(checkpoint_path(parts), set())["step"] == 3
    train_codec(recipe, photos, parts, resume=True)
    resumed = load_file(parts)
    for name, tensor in load_file(whole).items():
        assert torch.equal(tensor, resumed[name]), name


def test_a_lengthened_run_goes_on_from_the_end_of_the_plateau(recipe, photos, tmp_path):
    long, short = tmp_path / "long.safetensors", tmp_path / "short.safetensors"
    train_codec(recipe, photos, short, resume=False)
    assert resumable(plateau_path(short), set())["step"] == 4
    recipe.write_text(TINY.replace("steps = 6\n", "steps = 8\n"))
    train_codec(recipe, photos, long, resume=False)
    train_codec(recipe, photos, short, resume=True)
    lengthened = load_file(short)
    for name, tensor in load_file(long).items():
        assert torch.equal(tensor, lengthened[name]), name


@pytest.mark.parametrize(("architecture", "wide"), [("hyperprior", 160), ("elic", 160)])
def test_a_wider_model_computes_what_the_narrow_one_did(tmp_path, architecture, wide):
    old, narrow = 136, tmp_path / "narrow.safetensors"
    torch.manual_seed(0)
    small = implementation_of(architecture).model(8, old, (1.0, 8.0)).eval()
    write_safetensors(weights_of(small, torch.float32), {}, narrow)
    large = implementation_of(architecture).model(8, wide, (1.0, 8.0)).eval()
    load_start(large, narrow)
    picture, quality = torch.rand(1, 3, 64, 128), torch.tensor([5.0])
    with torch.no_grad():
        y, y_wide = small.network.g_a(picture), large.network.g_a(picture)
        torch.testing.assert_close(y_wide[:, :old], y)
        torch.testing.assert_close(large.network.g_s(y_wide), small.network.g_s(y))
        silence_new_channels(large, old)
        torch.testing.assert_close(
            large(picture, quality, True).z_bits, small(picture, quality, True).z_bits
        )
        # What is left of the new channels costs the ends of their zeros' distribution at most.
        bits, bits_wide = small(picture, quality, True).y_bits, large(picture, quality, True).y_bits
        assert 0 <= float(bits_wide - bits) < 1e-3 * float(bits) + 1


def silence_new_channels(model: CodecModel, old: int) -> None:
    """Let g_a return 0 in the channels from ``old`` on."""

    def silence(_module: object, _inputs: object, y: Tensor) -> Tensor:
        y[:, old:] = 0
        return y

    model.network.g_a.register_forward_hook(silence)


def test_a_checkpoint_becomes_weights(recipe, photos, tmp_path):
    out = tmp_path / "codec.safetensors"
    train_codec(recipe, photos, out, resume=False)
    made = import_weights(
        checkpoint_path(out), codec="hyperprior", out=tmp_path / "own.safetensors"
    )
    shipped = load_file(out)
    for name, tensor in load_file(made.path).items():
        assert torch.equal(tensor, shipped[name]), name
    with pytest.raises(WeightsError, match="trains elic"):
        import_weights(checkpoint_path(out), codec="elic", out=tmp_path / "x.safetensors")


def test_the_average_is_what_ships(recipe, photos, tmp_path):
    recipe.write_text(TINY + "average = 0.9\n")
    out = tmp_path / "codec.safetensors"
    train_codec(recipe, photos, out, resume=False)
    state = resumable(checkpoint_path(out), set())
    shipped = load_file(out)["g_a.0.weight"]
    averaged = state["average"]["module.network.g_a.0.weight"]
    assert torch.equal(shipped, averaged.half())
    assert not torch.equal(shipped, state["model"]["network.g_a.0.weight"].half())


def test_two_processes_share_the_work(recipe, photos, tmp_path):
    """PyTorch's launcher; both processes end with the same weights, which differ from one's."""
    out, alone = tmp_path / "two.safetensors", tmp_path / "one.safetensors"
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\nfrom latentink.cli.main import run\nsys.argv[0] = 'latentink'\nrun()\n"
    )
    launched = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(script), "train", "codec"),
            *("--recipe", str(recipe), "-o", str(out), "--photos", str(photos)),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert launched.returncode == 0, launched.stderr[-2000:]
    assert resumable(checkpoint_path(out), set())["step"] == 6
    train_codec(recipe, photos, alone, resume=False)
    assert not torch.equal(load_file(out)["g_a.0.weight"], load_file(alone)["g_a.0.weight"])


def test_schedule_and_qualities():
    recipe = CodecRecipe(steps=100, warm_up=10, cool_down=20, batch=5)
    factors = [schedule(step, recipe) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[10:81] == [1.0] * 71
    assert factors[99] == pytest.approx(0.05)
    drawn = spread_qualities(recipe, torch.Generator().manual_seed(0))
    assert sorted(int(q - 3) for q in drawn) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("colour = 3", "unknown key 'colour'"),
        ("crop = 100", "no multiple of 64"),
        ("qualities = [5, 3]", "do not ascend"),
        ("qualities = [3, 'x']", "qualities = 'x'"),
        ("cool_down = 7\nsteps = 5", "longer than it runs"),
        ('optimiser = "sgd"', "optimiser = 'sgd'"),
        ('architecture = "elic"\nlatent_channels = 100', "no more than 128"),
    ],
)
def test_a_recipe_that_does_not_serve_is_refused_with_its_key(tmp_path, change, says):
    path = tmp_path / "r.toml"
    path.write_text(change)
    with pytest.raises(OptionError, match=says):
        read_codec_recipe(path)


def test_a_folder_without_photos_is_named_on_the_command_line(recipe, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "o.safetensors"
    arguments = ["train", "codec", "--recipe", recipe, "-o", out, "--photos", empty]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 2
    assert str(empty) in result.stderr
    assert not out.exists()


def test_resuming_with_another_recipe_or_from_nothing_is_refused(recipe, photos, tmp_path):
    out = tmp_path / "codec.safetensors"
    with pytest.raises(WeightsError, match="no checkpoint"):
        train_codec(recipe, photos, out, resume=True)
    train_codec(recipe, photos, out, resume=False)
    recipe.write_text(TINY.replace("batch = 2", "batch = 3"))
    with pytest.raises(OptionError, match="batch = 2"):
        train_codec(recipe, photos, out, resume=True)


def test_a_full_disk_leaves_the_last_checkpoint_loadable(recipe, photos, tmp_path, monkeypatch):
    out = tmp_path / "codec.safetensors"
    train_codec(recipe, photos, out, resume=False)
    before = checkpoint_path(out).read_bytes()

    def full(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("latentink.training.checkpoints.torch.save", full)
    with pytest.raises(OutputError, match="cannot be written"):
        train_codec(recipe, photos, out, resume=False)
    assert checkpoint_path(out).read_bytes() == before
    assert resumable(checkpoint_path(out), set())["step"] == 6
