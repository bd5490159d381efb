"""The CSV log and the progress line of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


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


def training_progress(disable: bool = False) -> Progress:
    """Return a progress display whose tasks have a field ``text``."""
    return Progress(
        TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        disable=disable,
    )
