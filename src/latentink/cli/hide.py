"""``latentink hide``: a photo and a message in, a .lik file out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.covers import read_cover
from latentink.cli.errors import for_people
from latentink.cli.message import read_message
from latentink.cli.options import (
    ChannelOption,
    CodecOption,
    DeviceOption,
    PresetOption,
    QualityOption,
    SeedOption,
    WeightsOption,
)
from latentink.cli.password import (
    AskOption,
    PasswordFileOption,
    PasswordOption,
    read_password,
    say_if_public,
)
from latentink.defaults import (
    DEFAULT_CHANNEL,
    DEFAULT_CODEC,
    DEFAULT_DEVICE,
    DEFAULT_QUALITY,
)
from latentink.errors import OptionError
from latentink.picture import (
    check_lik_name,
    check_output,
    encode_png,
    write_atomically,
)


@for_people
def hide_command(
    cover: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, TIFF or BMP.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The .lik file to write.")],
    text: Annotated[str | None, typer.Option("-m", "--message", help="The message.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("-f", "--file", help="A file with the message; - is standard input."),
    ] = None,
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    ask_password: AskOption = False,
    codec: CodecOption = DEFAULT_CODEC,
    quality: QualityOption = DEFAULT_QUALITY,
    weights: WeightsOption = None,
    channel: ChannelOption = DEFAULT_CHANNEL,
    preset: PresetOption = None,
    decoder: Annotated[
        str | None,
        typer.Option(
            help="Message decoder of the pixels channel instead of the preset's: periodic, "
            "periodic64, periodic128, dense and basic (also with 2, 3 or 4 at the end), "
            "robust, keyed, or a .steg or .safetensors file that the receiver has too."
        ),
    ] = None,
    start: Annotated[
        str,
        typer.Option(help="Where the editor starts: cover, or encoder (dense decoders; pixels)."),
    ] = "cover",
    evade: Annotated[
        Path | None,
        typer.Option(help="File of a detector (`latentink train detector`) to evade (pixels)."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps of the editor (pixels); of a refinement that detectors can find (latents)."
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Time for the editor's steps (pixels).")
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Refuse a message that is not hidden by proof.")
    ] = False,
    seed: SeedOption = None,
    device: DeviceOption = DEFAULT_DEVICE,
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
    preview: Annotated[Path | None, typer.Option(help="Write the decoded picture as PNG.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Hide a message in a photo while compressing it, and check that it comes back."""
    outputs = [path for path in (out, preview, report) if path is not None]
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise OptionError("The outputs must be different files.")
    if preview is not None and preview.suffix.lower() != ".png":
        raise OptionError("The preview must be saved without loss: name one that ends in .png.")
    for path in outputs:
        check_output(path, cover, *([file] if file else []))
    check_lik_name(out)
    message = read_message(text, file)
    secret = read_password(password, password_file, ask_password, twice=True)
    say_if_public(secret)
    picture = read_cover(cover)

    from latentink.cli.progress import editing_progress
    from latentink.cli.tables import as_json, hiding_rows, print_json, print_rows
    from latentink.codecs.importing import find_weights
    from latentink.results import HideOptions
    from latentink.steganography import hide

    options = HideOptions(
        codec=codec,
        weights=find_weights(weights, codec, quality),
        quality=quality,
        channel=channel,
        exact=exact,
        preset=preset,
        decoder=decoder,
        start=start,
        evade=evade,
        steps=steps,
        seconds=seconds,
        seed=seed,
        device=device,
    )
    with editing_progress() as on_step:
        result = hide(picture, message, password=secret, options=options, on_step=on_step)
    write_atomically(out, result.data)
    if preview is not None:
        write_atomically(preview, encode_png(result.picture))
    if report is not None:
        write_atomically(report, as_json(result.report.as_dict()).encode())
    if seed is not None:
        print(
            "latentink: whoever has the photo and guesses the seed can tell this file from a plain "
            "one; leave --seed out for a message that must not be found.",
            file=sys.stderr,
        )
    if json:
        print_json(result.report)
    else:
        print_rows([("written", str(out)), *hiding_rows(result.report)])
