"""``latentink inspect``: prints the header of a .lik file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people
from latentink.picture import read_file


@dataclass(frozen=True)
class Inspection:
    """The header of a .lik file, which has the same fields with and without a message."""

    file_bytes: int
    bpp: float
    width: int
    height: int
    codec: int
    fingerprint: str
    quality: float
    stream_bytes: int
    digest: str


@for_people
def inspect_command(
    stego: Annotated[Path, typer.Argument(help="The .lik file.")],
    json: Annotated[bool, typer.Option("--json", help="Print the fields as JSON.")] = False,
) -> None:
    """Print the header of a .lik file."""
    data = read_file(stego)

    from latentink.cli.tables import print_json, print_rows
    from latentink.codecs.registry import CODECS
    from latentink.container import QUALITY_UNIT, unpack

    file = unpack(data)
    names = {codec.number: name for name, codec in CODECS.items()}
    result = Inspection(
        file_bytes=len(data),
        bpp=8 * len(data) / (file.height * file.width),
        width=file.width,
        height=file.height,
        codec=file.codec_number,
        fingerprint=file.fingerprint.hex(),
        quality=file.quality_code * QUALITY_UNIT,
        stream_bytes=len(file.stream),
        digest=file.digest.hex(),
    )
    if json:
        print_json(result)
        return
    print_rows(
        [
            ("file", f"{result.file_bytes:,} bytes, {result.bpp:.3f} bpp"),
            ("picture", f"{result.width}×{result.height}"),
            ("codec", f"{names.get(result.codec, 'unknown')}, weights {result.fingerprint}"),
            ("quality", f"{result.quality:g}"),
            ("symbols", f"{result.stream_bytes:,} bytes"),
        ]
    )
