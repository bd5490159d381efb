"""``latentink capacity``: how long a message a photo should carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from latentink.attacks.profiles import PROFILES
from latentink.channels.registry import PICTURE_CHANNEL
from latentink.cli.covers import read_cover
from latentink.cli.errors import for_people
from latentink.cli.options import (
    ChannelOption,
    CodecOption,
    PresetOption,
    QualityOption,
    SurviveOption,
    WeightsOption,
)
from latentink.defaults import DEFAULT_CHANNEL, DEFAULT_CODEC, DEFAULT_QUALITY


@for_people
def capacity_command(
    cover: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, AVIF, TIFF or BMP.")],
    codec: CodecOption = DEFAULT_CODEC,
    quality: QualityOption = DEFAULT_QUALITY,
    weights: WeightsOption = None,
    channel: ChannelOption = None,
    survive: SurviveOption = None,
    preset: PresetOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Say how many bytes a photo carries at acceptable quality.

    That is in a .lik file; with --survive or --channel robust, in an ordinary picture.
    """
    picture = read_cover(cover)
    if survive is not None or channel == PICTURE_CHANNEL:
        _print_picture_capacity(picture, survive, json)
        return

    from latentink.cli.tables import print_json, print_rows
    from latentink.codecs.importing import find_weights
    from latentink.results import SECURITY
    from latentink.steganography import capacity

    file = find_weights(weights, codec, quality)
    result = capacity(
        picture,
        codec=codec,
        weights=file,
        quality=quality,
        preset=preset,
        channel=channel or DEFAULT_CHANNEL,
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


def _print_picture_capacity(picture: np.ndarray, survive: str | None, json: bool) -> None:
    """Print how many bytes an ordinary picture carries for a profile, or for each."""
    from latentink.cli.tables import as_json, print_rows
    from latentink.ordinary_pictures import capacity_of_picture
    from latentink.results import PictureOptions

    profiles = PROFILES if survive is None else (survive,)
    room = {name: capacity_of_picture(picture, PictureOptions(name)) for name in profiles}
    if json:
        print(as_json(room))
    else:
        print_rows([(name, f"{length:,} bytes at 40 dB") for name, length in room.items()])
