"""``latentink weights``: lists, imports and verifies weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people
from latentink.codecs.registry import CODECS

weights_app = typer.Typer(
    help="List, import and verify the weights of networks.", no_args_is_help=True
)


@weights_app.command("list")
@for_people
def list_command(
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List bundled and imported weights with kind, size, source and measured figures."""
    import json as json_format
    from dataclasses import asdict

    from latentink.weights.catalogue import catalogue

    entries = catalogue()
    if json:
        print(json_format.dumps([asdict(entry) for entry in entries], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("name", "kind", "quality", "size", "source", "measured"):
        table.add_column(column, justify="right" if column == "size" else "left")
    for entry in entries:
        size = f"{entry.file_bytes / 1e6:.2f} MB"
        table.add_row(entry.name, entry.kind, entry.quality, size, entry.source, entry.measured)
    Console().print(table)


@weights_app.command("import")
@for_people
def import_command(
    path: Annotated[Path, typer.Argument(help="A checkpoint (.pth.tar, .pt) or a weights file.")],
    codec: Annotated[str, typer.Option(help=f"The codec that it is of: {' or '.join(CODECS)}.")],
    quality: Annotated[
        float, typer.Option(help="The quality that a published checkpoint was trained for.")
    ] = 5.0,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write here instead of the user's folder.")
    ] = None,
) -> None:
    """Bring a checkpoint into latentink's form and put it where receivers find it."""
    from latentink.codecs.importing import import_weights

    made = import_weights(path, codec=codec, quality=quality, out=out)
    print(f"{made.path}: weights of {made.codec}, fingerprint {made.fingerprint.hex()}")


@weights_app.command("verify")
@for_people
def verify_command() -> None:
    """Compare the bundled weights with the fingerprints that latentink was released with."""
    from latentink.weights.catalogue import verify_bundled

    damaged = verify_bundled()
    for name, sentence in damaged.items():
        print(f"{name}: {sentence}", file=sys.stderr)
    if damaged:
        sys.exit(2)
    print("all bundled weights are as released")
