"""``latentink capacity``: how long a message a photo should carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.covers import read_cover
from latentink.cli.errors import for_people
from latentink.cli.options import (
    ChannelOption,
    CodecOption,
    PresetOption,
    QualityOption,
    WeightsOption,
)
from latentink.defaults import DEFAULT_CHANNEL, DEFAULT_CODEC, DEFAULT_QUALITY


@for_people
def capacity_command(
    cover: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, TIFF or BMP.")],
    codec: CodecOption = DEFAULT_CODEC,
    quality: QualityOption = DEFAULT_QUALITY,
    weights: WeightsOption = None,
    channel: ChannelOption = DEFAULT_CHANNEL,
    preset: PresetOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Estimate how many bytes a photo carries at acceptable quality."""
    picture = read_cover(cover)

    from latentink.cli.tables import print_json, print_rows
    from latentink.codecs.importing import find_weights
    from latentink.results import SECURITY
    from latentink.steganography import capacity

    file = find_weights(weights, codec, quality)
    result = capacity(
        picture, codec=codec, weights=file, quality=quality, preset=preset, channel=channel
    )
    if json:
        print_json(result)
        return
    whatever = "whatever the quality" if result.limit_at_any_quality else "at this quality"
    rows = [
        ("picture", f"{result.width}×{result.height}"),
        ("plain file", f"{result.plain_file_bytes:,} bytes at quality {result.quality:g}"),
    ]
    if result.exact_bytes:
        rows.append(("exact", f"{result.exact_bytes:,} bytes, {SECURITY['exact']}"))
    print_rows(
        [
            *rows,
            ("message", f"about {result.message_bytes:,} bytes at acceptable quality"),
            ("limit", f"nothing above {result.limit_bytes:,} bytes fits {whatever}"),
        ]
    )
