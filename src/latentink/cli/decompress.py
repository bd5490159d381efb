"""``latentink decompress``: a .lik file in, a PNG out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people
from latentink.cli.options import ReceiverWeightsOption
from latentink.errors import OptionError
from latentink.picture import check_output, encode_png, read_file, write_atomically


@for_people
def decompress_command(
    stego: Annotated[Path, typer.Argument(help="The .lik file.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The PNG to write.")],
    weights: ReceiverWeightsOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Decode a .lik file to a PNG; it holds the message if --channel pixels hid it."""
    if out.suffix.lower() != ".png":
        raise OptionError(
            "The picture must be saved without loss: name an output that ends in .png."
        )
    check_output(out, stego)
    data = read_file(stego)

    from latentink.cli.tables import as_json, print_rows
    from latentink.steganography import decompress

    picture = decompress(data, weights=weights)
    png = encode_png(picture)
    write_atomically(out, png)
    height, width = picture.shape[:2]
    if json:
        print(as_json({"height": height, "width": width, "png_bytes": len(png)}))
    else:
        print_rows([("written", str(out)), ("picture", f"{width}×{height}")])
