"""The loop of a training run on one process: steps, log, progress and checkpoints."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from latentink.errors import OutputError
from latentink.training.checkpoints import checkpoint_path, write_checkpoint
from latentink.training.logs import log_path, open_log, training_progress


class Figures(Protocol):
    """What a step measured."""

    def row(self) -> list[str]:
        """Return it for the log, between step and seconds."""

    def text(self) -> str:
        """Return it for the progress line."""


class Trainer(Protocol):
    """Networks, optimisers and the number of steps done."""

    step: int

    def advance(self) -> Figures:
        """Do one step."""

    def state(self) -> dict[str, Any]:
        """Return everything that resuming needs."""


def run(
    trainer: Trainer, out: Path, columns: Sequence[str], steps: int, checkpoint_seconds: float
) -> None:
    """Advance to ``steps``, logging each step and writing a checkpoint every so often.

    Args:
        trainer: what to advance.
        out: the file that will be exported; its folder is made, log and checkpoint lie beside it.
        columns: of the log: step, those of :meth:`Figures.row`, seconds.
        steps: where to end.
        checkpoint_seconds: between checkpoints.

    Raises:
        OutputError: the folder, the log or a checkpoint cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _advance(trainer, out, columns, steps, checkpoint_seconds)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}.") from error


def _advance(
    trainer: Trainer, out: Path, columns: Sequence[str], steps: int, checkpoint_seconds: float
) -> None:
    started = saved = time.monotonic()
    with training_progress() as progress, open_log(log_path(out), columns, trainer.step) as log:
        task = progress.add_task("", total=steps, completed=trainer.step, text="")
        rows = csv.writer(log)
        while trainer.step < steps:
            figures = trainer.advance()
            now = time.monotonic()
            rows.writerow([trainer.step, *figures.row(), f"{now - started:.2f}"])
            progress.update(task, completed=trainer.step, text=figures.text())
            if now - saved >= checkpoint_seconds:
                log.flush()
                write_checkpoint(trainer.state(), checkpoint_path(out))
                saved = now
    write_checkpoint(trainer.state(), checkpoint_path(out))
