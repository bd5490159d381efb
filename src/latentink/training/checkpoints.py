"""Checkpoints: a dictionary of tensors, numbers and text in one file, never half-written."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Any

import torch

from latentink.errors import OptionError, OutputError, WeightsError
from latentink.tensor_files import read_checkpoint


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write ``state`` beside ``path`` and rename it there, so that a reader never sees half."""
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save(state, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"The checkpoint {path} cannot be written: {error}.") from error


def resumable(path: Path, wanted: Set[str]) -> dict[str, Any]:
    """Return a checkpoint to resume from; nothing in it is executed.

    Args:
        path: where :func:`write_checkpoint` wrote.
        wanted: keys that it must have.

    Raises:
        WeightsError: The file is missing or is no checkpoint of this trainer.
    """
    state = read_checkpoint(path)
    if not wanted <= state.keys():
        raise WeightsError(f"{path} is not a checkpoint of this trainer.")
    return state


def check_same_recipe(
    then: dict[str, Any], now: dict[str, Any], free: Set[str] = frozenset()
) -> None:
    """Refuse to resume under another recipe.

    Args:
        then: the recipe in the checkpoint.
        now: the recipe to resume with.
        free: fields that may differ because they do not change what a step computes.

    Raises:
        OptionError: a field differs; the sentence names it.
    """
    for field in sorted(now.keys() - free):
        was, is_now = _plain(then.get(field)), _plain(now[field])
        if was != is_now:
            raise OptionError(
                f"The checkpoint was made with {field} = {was!r}, the recipe says "
                f"{is_now!r}: train without resuming, or into another file."
            )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def checkpoint_path(out: Path) -> Path:
    """Return where the checkpoints of a run that exports to ``out`` are kept."""
    return out.with_suffix(".checkpoint.pt")
