"""``latentink hide``: a photo and a message in, a .lik file or an ordinary picture out."""

from __future__ import annotations

import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from latentink.channels.registry import PICTURE_CHANNEL
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
    SurviveOption,
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
    DEFAULT_PROFILE,
    DEFAULT_QUALITY,
)
from latentink.errors import OptionError
from latentink.picture import (
    check_lik_name,
    check_output,
    encode_png,
    read_file,
    write_atomically,
)
from latentink.picture_formats import (
    FORMATS_BY_SUFFIX,
    OTHER_SUFFIXES,
    PictureFormat,
    SavedAs,
    exif_of,
    format_named,
)
from latentink.results import HideOptions, PictureOptions, PictureResult, StegoResult

_CODEC_OPTIONS = ("codec", "quality")
_EDITING_OPTIONS = (
    "weights",
    "preset",
    "decoder",
    "start",
    "evade",
    "steps",
    "seconds",
    "exact",
    "device",
)
_SAVING_OPTIONS = ("jpeg_quality", "keep_metadata")
_PICTURE_OPTIONS = ("survive", *_SAVING_OPTIONS)


@for_people
def hide_command(
    context: typer.Context,
    cover: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, AVIF, TIFF or BMP.")],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="The file to write: .lik, or .jpg, .png, .webp or .avif."),
    ],
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
    channel: ChannelOption = None,
    survive: SurviveOption = None,
    jpeg_quality: Annotated[
        int | None,
        typer.Option(help="Quality of a .jpg output; by default that of a JPEG photo is kept."),
    ] = None,
    keep_metadata: Annotated[
        bool,
        typer.Option("--keep-metadata", help="Keep EXIF, the place included (pictures)."),
    ] = False,
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
    """Hide a message in a photo and check that it comes back.

    A .lik file hides it by proof; a .jpg, .png, .webp or .avif brings it through messengers.
    """
    outputs = [path for path in (out, preview, report) if path is not None]
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise OptionError("The outputs must be different files.")
    if preview is not None and preview.suffix.lower() != ".png":
        raise OptionError("The preview must be saved without loss: name one that ends in .png.")
    for path in outputs:
        check_output(path, cover, *([file] if file else []))
    if out.suffix.lower() in OTHER_SUFFIXES:
        format_named(out)  # Its sentence names what can be written.
    in_picture = _is_for_pictures(channel, out)
    _refuse(context, _unfit_options(in_picture, out), in_picture)
    message = read_message(text, file)
    secret = read_password(password, password_file, ask_password, twice=True)
    say_if_public(secret)

    from latentink.cli.tables import as_json, print_json, print_rows

    result: PictureResult | StegoResult
    saved_as: SavedAs
    if in_picture:
        if out.suffix.lower() in FORMATS_BY_SUFFIX:
            saved_as = _picture_format(out, jpeg_quality, keep_metadata, cover)
        else:
            saved_as = _lik_format(out, codec, quality, seed)
        chosen = PictureOptions(survive or DEFAULT_PROFILE, saved_as, seed)
        rows, result = _hidden_in_picture(read_cover(cover), message, secret, chosen)
    else:
        check_lik_name(out)
        options = HideOptions(
            codec=codec,
            quality=quality,
            channel=channel or DEFAULT_CHANNEL,
            exact=exact,
            preset=preset,
            decoder=decoder,
            start=start,
            evade=evade,
            steps=steps,
            seconds=seconds,
            seed=seed,
            device=device,
            sample_psnr=preview is None and report is None and not json,
        )
        rows, result = _hidden_in_file(read_cover(cover), message, secret, options, weights)
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
        print_rows([("written", str(out)), *rows])


def _is_for_pictures(channel: str | None, out: Path) -> bool:
    """Return whether the message goes into the picture by the robust channel."""
    if channel is None:
        return out.suffix.lower() in FORMATS_BY_SUFFIX
    return channel == PICTURE_CHANNEL


def _unfit_options(in_picture: bool, out: Path) -> tuple[str, ...]:
    """Return the names of options that an output has no use for."""
    if not in_picture:
        return _PICTURE_OPTIONS
    if out.suffix.lower() in FORMATS_BY_SUFFIX:
        return _CODEC_OPTIONS + _EDITING_OPTIONS
    return _EDITING_OPTIONS + _SAVING_OPTIONS


def _refuse(context: typer.Context, names: tuple[str, ...], in_picture: bool) -> None:
    """Raise OptionError if the user gave one of these options."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "--" + name.replace("_", "-")
            if name == "exact":
                raise OptionError(
                    "A message in an ordinary picture is not hidden by proof; leave --exact out, "
                    "or name an output that ends in .lik."
                )
            kind = "a .lik file of another channel"
            if name in _PICTURE_OPTIONS:
                kind = "an ordinary picture such as .jpg"
            elif name in _CODEC_OPTIONS:
                kind = "a .lik file"
            raise OptionError(f"{option} is for {kind}; leave it out, or name such an output.")


def _picture_format(
    out: Path, jpeg_quality: int | None, keep_metadata: bool, cover: Path
) -> PictureFormat:
    """Return the format of the output, with what it keeps of the photo's file."""
    data = read_file(cover)
    picture_format = format_named(out, jpeg_quality, data)
    return replace(picture_format, exif=exif_of(data)) if keep_metadata else picture_format


def _lik_format(out: Path, codec: str, quality: float, seed: int | None) -> SavedAs:
    """Return the .lik file as a format, of which every try is a file with the same coins."""
    check_lik_name(out)

    from latentink.lik_format import LikFormat

    return LikFormat(codec, quality, secrets.randbits(63) if seed is None else seed)


def _hidden_in_picture(
    picture: np.ndarray, message: bytes, secret: str | None, options: PictureOptions
) -> tuple[list[tuple[str, str]], PictureResult]:
    """Return rows for the terminal, and the result, of an ordinary picture."""
    from latentink.cli.tables import picture_rows
    from latentink.ordinary_pictures import hide_in_picture

    result = hide_in_picture(picture, message, password=secret, options=options)
    return picture_rows(result.report), result


def _hidden_in_file(
    picture: np.ndarray,
    message: bytes,
    secret: str | None,
    options: HideOptions,
    weights: str | None,
) -> tuple[list[tuple[str, str]], StegoResult]:
    """Return rows for the terminal, and the result, of a .lik file."""
    from latentink.cli.progress import editing_progress
    from latentink.cli.tables import hiding_rows
    from latentink.codecs.importing import find_weights
    from latentink.steganography import hide

    options = replace(options, weights=find_weights(weights, options.codec, options.quality))
    with editing_progress() as on_step:
        result = hide(picture, message, password=secret, options=options, on_step=on_step)
    return hiding_rows(result.report), result
