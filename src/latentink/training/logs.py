"""What a run tells of itself: a CSV log, validations in another, and a line of progress."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from latentink.training.task import Task


def log_path(out: Path) -> Path:
    """Return where the CSV log of a run that exports to ``out`` is kept."""
    return out.with_suffix(".csv")


def open_log(path: Path, columns: Sequence[str], step: int) -> TextIO:
    """Open the log for appending after ``step``; rows past it belong to work that was lost."""
    kept = [",".join(columns)]
    if step and path.exists():
        rows = path.read_text(encoding="utf-8").splitlines()[1:]
        complete = [row for row in rows if row.count(",") == len(columns) - 1]
        kept += [row for row in complete if int(row.split(",")[0]) <= step]
    log = path.open("w", encoding="utf-8", newline="")
    log.write("\n".join(kept) + "\n")
    return log


class Journal(ExitStack):
    """The open logs and the progress line of a run, in a ``with`` block."""

    def __init__(self, task: Task[Any, Any], out: Path, step: int) -> None:
        """Open the files of a run that exports to ``out`` and goes on from ``step``.

        Raises:
            OSError: a file cannot be written.
        """
        super().__init__()
        self.task, self.first, self.started = task, step, time.monotonic()
        self.smooth = dict.fromkeys([column.name for column in task.columns], 0.0)
        columns = ["step", *self.smooth, "seconds"]
        self.log = self.enter_context(open_log(log_path(out), columns, step))
        if task.validation_columns:
            path = out.with_suffix(".validation.csv")
            self.validations = self.enter_context(open_log(path, task.validation_columns, step))
        steps = TextColumn("step {task.completed:.0f}/{task.total:.0f}")
        shown = (steps, BarColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn())
        self.progress = self.enter_context(Progress(*shown, TimeRemainingColumn()))
        self.line = self.progress.add_task("", total=task.recipe.steps, completed=step, text="")

    def note(self, step: int, figures: Mapping[str, Tensor | float]) -> None:
        """Show, and log where it is time, the figures of the step that made it ``step`` in all."""
        for column in self.task.columns:
            keep = min(column.smoothing, 1 - 1 / (step - self.first))
            now, before = float(figures[column.name]), self.smooth[column.name]
            self.smooth[column.name] = keep * before + (1 - keep) * now
        named = [(column, self.smooth[column.name]) for column in self.task.columns]
        text = "  ".join(column.text.format(value) for column, value in named if column.text)
        self.progress.update(self.line, completed=step, text=text)
        if step % self.task.log_steps == 0 or step == self.task.recipe.steps:
            values = [format(value, column.digits) for column, value in named]
            _append(self.log, [[str(step), *values, f"{time.monotonic() - self.started:.2f}"]])

    def validated(self, rows: Sequence[Sequence[str]]) -> None:
        """Log the rows of a validation, if there are any."""
        if rows:
            _append(self.validations, rows)


def _append(log: TextIO, rows: Sequence[Sequence[str]]) -> None:
    csv.writer(log).writerows(rows)
    log.flush()
