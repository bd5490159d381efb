"""Checkpoints: a dictionary of tensors, numbers and text in one file, never half-written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from latentink.errors import OptionError, OutputError, unfit_weights
from latentink.tensor_files import read_checkpoint
from latentink.training.recipes import settings
from latentink.training.task import Task


def newest(out: Path) -> Path:
    """Return where the newest checkpoint of a run that exports to ``out`` is kept."""
    return out.with_suffix(".checkpoint.pt")


def plateau(out: Path) -> Path:
    """Return where the checkpoint from the end of the plateau is kept."""
    return out.with_suffix(".plateau.pt")


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write ``state`` beside ``path`` and rename it there, so that a reader never sees half.

    Raises:
        OutputError: it cannot be written; an older checkpoint stays.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save(state, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"The checkpoint {path} cannot be written: {error}; name another file or folder."
        ) from error


def read_state(path: Path, task: Task[Any, Any]) -> dict[str, Any]:
    """Return a checkpoint of this very training; nothing in it is executed.

    Raises:
        WeightsError: the file is missing, damaged, or no checkpoint of this trainer.
        OptionError: it was made with another recipe or input; the sentence names it.
    """
    state = read_checkpoint(path)
    if not {"recipe", "step", *task.inputs, *task.parts} <= state.keys():
        raise unfit_weights(f"{path} is not a checkpoint of this trainer")
    known, then = settings(type(task.recipe)), state["recipe"]
    for name, value in sorted(task.recipe.values().items()):
        if not known[name].free and then.get(name) != value:
            raise OptionError(
                f"The checkpoint was made with {name} = {then.get(name)!r}, the recipe says "
                f"{value!r}: train without resuming, or into another file."
            )
    for name, (what, identity) in task.inputs.items():
        if state[name] != identity:
            raise OptionError(
                f"The checkpoint was made with other {what}: train without resuming, or into "
                "another file."
            )
    return state
