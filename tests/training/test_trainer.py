"""What the trainer does for every task: exact resuming, logs, refusals, interruption, processes."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from latentink.errors import OptionError, OutputError, WeightsError
from latentink.tensor_files import read_checkpoint
from latentink.training.checkpoints import newest, plateau, write_checkpoint
from latentink.training.decoder import MessageDecoderTask
from latentink.training.logs import log_path
from latentink.training.recipes import read_recipe
from latentink.training.registry import TASKS, load_task
from latentink.training.trainer import Trainer

RECIPES = sorted(Path(sys.modules[Trainer.__module__].__file__).parent.glob("recipes/*.toml"))


def task_of(recipe: Path) -> str:
    return recipe.stem.partition("_")[0]


def same(one: Path, other: Path) -> bool:
    """Whether two files hold the same tensors, to the last bit."""
    mine, theirs = load_file(one), load_file(other)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


def rows(out: Path) -> list[dict[str, str]]:
    with log_path(out).open(newline="") as file:
        return list(csv.DictReader(file))


def without_seconds(log: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in log]


def test_every_task_ships_a_recipe() -> None:
    assert {task_of(path) for path in RECIPES} == set(TASKS)


@pytest.mark.parametrize("shipped", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_runs_and_a_killed_run_resumes_to_the_same_weights(
    shipped: Path,
    recipe_of: Callable[..., Path],
    train: Callable[..., Path],
    killed_after: Callable[[int], Any],
    tmp_path: Path,
) -> None:
    task = task_of(shipped)
    read_recipe(shipped, load_task(task).recipe_type)
    recipe = recipe_of(task, shipped, steps=3)
    whole, parts = tmp_path / "new" / "whole.safetensors", tmp_path / "parts.safetensors"
    assert train(task, recipe, whole) == whole
    with killed_after(2):
        train(task, recipe, parts)
    assert not parts.exists()
    assert read_checkpoint(newest(parts))["step"] == 2
    train(task, recipe, parts, resume=True)
    assert same(whole, parts)


@pytest.mark.parametrize("task", TASKS)
def test_the_log_has_a_row_for_each_step_and_goes_on_when_resumed(
    task: str,
    recipe_of: Callable[..., Path],
    train: Callable[..., Path],
    killed_after: Callable[[int], Any],
    tmp_path: Path,
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    recipe = recipe_of(task)
    train(task, recipe, whole)
    names = ["step", *(column.name for column in load_task(task).columns), "seconds"]
    log = rows(whole)
    assert list(log[0]) == names
    every = load_task(task).log_steps
    assert [row["step"] for row in log] == (["1", "2", "3", "4"] if every == 1 else ["4"])
    with killed_after(3):
        train(task, recipe, parts)
    train(task, recipe, parts, resume=True)
    if every == 1:  # A moving average starts again.
        assert without_seconds(rows(parts)) == without_seconds(log)


@pytest.mark.parametrize("task", TASKS)
def test_resuming_from_nothing_or_with_another_recipe_is_refused(
    task: str, recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match="There is no file"):
        train(task, recipe_of(task), out, resume=True)
    train(task, recipe_of(task, steps=2, seed=1), out)
    with pytest.raises(OptionError, match="seed = 1, the recipe says 2"):
        train(task, recipe_of(task, steps=2, seed=2), out, resume=True)
    state = read_checkpoint(newest(out))
    write_checkpoint({"step": 3}, newest(out))
    with pytest.raises(WeightsError, match="not a checkpoint of this trainer"):
        train(task, recipe_of(task, steps=2), out, resume=True)
    part = load_task(task).parts[0]
    write_checkpoint({**state, part: {"else": torch.zeros(1)}}, newest(out))
    with pytest.raises(WeightsError, match="does not fit the networks"):
        train(task, recipe_of(task, steps=2), out, resume=True)


def test_a_damaged_checkpoint_is_a_sentence(
    recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    out = train("decoder", recipe_of("decoder"), tmp_path / "x.safetensors")
    newest(out).write_bytes(newest(out).read_bytes()[:1000])
    with pytest.raises(WeightsError, match="truncated or damaged"):
        train("decoder", recipe_of("decoder"), out, resume=True)


@pytest.mark.parametrize("task", TASKS)
def test_making_and_advancing_a_trainer_leaves_the_global_generator_alone(
    task: str, trainer_of: Callable[..., Trainer]
) -> None:
    before = torch.get_rng_state()
    trainer_of(task).advance()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_lengthened_run_goes_on_from_the_end_of_the_plateau(
    recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    long, short = tmp_path / "long.safetensors", tmp_path / "short.safetensors"
    train("codec", recipe_of("codec", steps=6), short)
    assert read_checkpoint(plateau(short))["step"] == 4
    with pytest.raises(OptionError, match="beyond the recipe's plateau of 1 steps"):
        train("codec", recipe_of("codec", steps=3), short, resume=True)
    train("codec", recipe_of("codec", steps=8), long)
    train("codec", recipe_of("codec", steps=8), short, resume=True)
    assert same(long, short)


def test_ctrl_c_ends_a_run_between_two_steps(
    recipe_of: Callable[..., Path],
    train: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = recipe_of("decoder", checkpoint_seconds=1000)
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train("decoder", recipe, whole)
    advance = MessageDecoderTask.advance

    def interrupted(task: MessageDecoderTask, step: Any) -> Any:
        if step.number == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(task, step)

    monkeypatch.setattr(MessageDecoderTask, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train("decoder", recipe, parts)
    monkeypatch.setattr(MessageDecoderTask, "advance", advance)
    assert not parts.exists()
    assert read_checkpoint(newest(parts))["step"] == 2
    assert [row["step"] for row in rows(parts)] == ["1", "2"]
    train("decoder", recipe, parts, resume=True)
    assert same(whole, parts)


def test_a_diverging_run_ends_with_a_sentence_and_its_last_checkpoint(
    recipe_of: Callable[..., Path],
    train: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "x.safetensors"
    advance = MessageDecoderTask.advance

    def diverging(task: MessageDecoderTask, step: Any) -> Any:
        if step.number == 2:
            with torch.no_grad():
                next(task.decoder.parameters()).fill_(torch.inf)
        return advance(task, step)

    monkeypatch.setattr(MessageDecoderTask, "advance", diverging)
    with pytest.raises(WeightsError, match="no longer finite at step 2"):
        train("decoder", recipe_of("decoder"), out)
    assert read_checkpoint(newest(out))["step"] == 2
    assert not out.exists()


def test_a_full_disk_leaves_the_last_checkpoint_loadable(
    recipe_of: Callable[..., Path],
    train: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = train("decoder", recipe_of("decoder"), tmp_path / "x.safetensors")
    before = newest(out).read_bytes()

    def full(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("latentink.training.checkpoints.torch.save", full)
    with pytest.raises(OutputError, match="cannot be written"):
        train("decoder", recipe_of("decoder"), out)
    assert newest(out).read_bytes() == before


def test_two_processes_share_the_work(
    recipe_of: Callable[..., Path], train: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    """PyTorch's launcher; the weights differ from those that one process ends with."""
    recipe, out = recipe_of("decoder"), tmp_path / "two.safetensors"
    script = tmp_path / "run.py"
    script.write_text("from latentink.cli.main import run\nrun()\n")
    launched = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(script), "train", "decoder"),
            *("--recipe", str(recipe), "-o", str(out), "--photos", str(photos)),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert launched.returncode == 0, launched.stderr[-2000:]
    assert read_checkpoint(newest(out))["step"] == 4
    assert not same(out, train("decoder", recipe, tmp_path / "one.safetensors"))
