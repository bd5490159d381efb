"""``latentink methods``: lists the methods of ``embed`` with their sources."""

from __future__ import annotations

from latentink.cli.errors import for_people


@for_people
def methods_command() -> None:
    """List the methods that embed and extract take: ours and the baselines."""
    from rich.console import Console
    from rich.table import Table

    from latentink.methods.registry import METHODS

    table = Table(box=None, pad_edge=False)
    for heading in ("method", "what it does", "source"):
        table.add_column(heading, no_wrap=heading == "method")
    for entry in METHODS.values():
        table.add_row(entry.name, entry.summary, f"[dim]{entry.source}[/dim]")
    Console().print(table)
