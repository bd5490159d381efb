"""``latentink train`` is made of the table of tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from latentink.cli.main import app
from latentink.message_decoders.decoder_file import load_decoder
from latentink.training.logs import log_path
from latentink.training.registry import TASKS, load_task
from latentink.training.task import Task


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_a_class_and_a_command(task: str) -> None:
    assert issubclass(load_task(task), Task)
    result = CliRunner().invoke(app, ["train", task, "--help"])
    assert result.exit_code == 0
    for option in ("--recipe", "--out", "--photos", "--resume"):
        assert option in result.output


def test_a_command_exports_weights_with_their_log(
    recipe_of: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "decoder.safetensors"
    arguments = ["--recipe", recipe_of("decoder"), "-o", out, "--photos", photos]
    result = CliRunner().invoke(app, ["train", "decoder", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    assert f"weights written to {out}" in result.output.replace("\n", "")
    loaded = load_decoder(out)
    assert (loaded.name, loaded.hidden, loaded.data_depth) == ("dense", 4, 1)
    assert log_path(out).exists()


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_folder_without_photos_is_named(
    folder: str, recipe_of: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    out, photos = tmp_path / "o.safetensors", tmp_path / folder
    arguments = ["--recipe", recipe_of("codec"), "-o", out, "--photos", photos]
    result = CliRunner().invoke(app, ["train", "codec", *map(str, arguments)])
    assert result.exit_code == 2
    assert str(photos) in result.stderr
    assert not out.exists()
