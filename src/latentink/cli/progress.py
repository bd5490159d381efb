"""The editor's progress on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latentink.editing.editor import Progress as EditProgress


@contextmanager
def editing_progress() -> Iterator[Callable[[EditProgress], None]]:
    """Show a bar with step, rate, PSNR and raw accuracy; yields the editor's callback."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("preparing", total=None, figures="")

        def on_step(state: EditProgress) -> None:
            figures = (
                f"{state.bits / 8 / 1000:.1f} kB  {state.psnr_db:.2f} dB  "
                f"{100 * state.accuracy:.1f} % right"
            )
            progress.update(
                task,
                description="editing",
                total=state.steps,
                completed=state.step,
                figures=figures,
            )

        yield on_step
