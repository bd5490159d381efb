"""``latentink compress``: a photo in, a .lik file without a message out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.covers import read_cover
from latentink.cli.errors import for_people
from latentink.cli.options import CodecOption, QualityOption, SeedOption, WeightsOption
from latentink.defaults import DEFAULT_CODEC, DEFAULT_QUALITY
from latentink.picture import check_lik_name, check_output, write_atomically


@for_people
def compress_command(
    cover: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, AVIF, TIFF or BMP.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The .lik file to write.")],
    codec: CodecOption = DEFAULT_CODEC,
    quality: QualityOption = DEFAULT_QUALITY,
    weights: WeightsOption = None,
    seed: SeedOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Compress a photo without a message, to a .lik file that looks like one with a message."""
    check_output(out, cover)
    check_lik_name(out)
    picture = read_cover(cover)

    from latentink.cli.tables import compression_rows, print_json, print_rows
    from latentink.codecs.importing import find_weights
    from latentink.steganography import compress

    file = find_weights(weights, codec, quality)
    result = compress(
        picture,
        codec=codec,
        weights=file,
        quality=quality,
        seed=seed,
        sample_psnr=not json,
    )
    write_atomically(out, result.data)
    if json:
        print_json(result.report)
    else:
        print_rows([("written", str(out)), *compression_rows(result.report)])
