"""The editor's progress on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from latentink.editing.editor import Progress as EditProgress


@contextmanager
def progress_bar(*fields: str) -> Iterator[Progress]:
    """Show a bar on standard error, where that is a terminal, with these fields of its task."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        *(TextColumn(f"{{task.fields[{field}]}}") for field in fields),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
    ) as progress:
        yield progress


@contextmanager
def editing_progress() -> Iterator[Callable[[EditProgress], None]]:
    """Show a bar with step, rate, PSNR and raw accuracy; yields the editor's callback."""
    with progress_bar("figures") as progress:
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
