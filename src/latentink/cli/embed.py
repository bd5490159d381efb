"""``latentink embed``: puts random bits or a message into a photo with any method."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.covers import read_cover
from latentink.cli.errors import for_people
from latentink.cli.message import read_message
from latentink.cli.options import (
    DecoderOption,
    DepthOption,
    DeviceOption,
    MethodOption,
    SubsamplingOption,
)
from latentink.cli.password import (
    AskOption,
    PasswordFileOption,
    PasswordOption,
    read_password,
    say_if_public,
)
from latentink.defaults import (
    DEFAULT_DEPTH,
    DEFAULT_DEVICE,
    DEFAULT_SUBSAMPLING,
    LARGEST_SEED,
)
from latentink.errors import OptionError
from latentink.picture import check_output, write_atomically


@for_people
def embed_command(
    cover: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, AVIF, TIFF or BMP.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
    method: MethodOption,
    depth: DepthOption = DEFAULT_DEPTH,
    decoder: DecoderOption = None,
    subsampling: SubsamplingOption = DEFAULT_SUBSAMPLING,
    seed: Annotated[int, typer.Option(help="Seed of the random bits and of the method.")] = 0,
    device: DeviceOption = DEFAULT_DEVICE,
    text: Annotated[
        str | None, typer.Option("-m", "--message", help="Embed this text instead of random bits.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("-f", "--file", help="Embed this file; - is standard input."),
    ] = None,
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    ask_password: AskOption = False,
    report: Annotated[
        Path | None, typer.Option(help="Write the figures to this JSON file.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Embed random bits or a message in a photo with any method, and measure the result.

    `latentink extract` reads them, also of the methods hide-*; `reveal` reads what `hide` wrote.
    """
    outputs = [path for path in (out, report) if path is not None]
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise OptionError("The outputs must be different files.")
    for path in outputs:
        check_output(path, cover, *([file] if file else []))
    if not 0 <= seed <= LARGEST_SEED:
        raise OptionError(f"The seed must be from 0 to {LARGEST_SEED}.")
    message = None if text is None and file is None else read_message(text, file)
    secret = read_password(password, password_file, ask_password, twice=True)
    if message is not None:
        say_if_public(secret)
    picture = read_cover(cover)

    from rich.console import Console

    from latentink.cli.tables import as_json, embedding_rows, print_json, print_rows
    from latentink.methods.embedding import embed_message, embed_random
    from latentink.methods.entries import MethodOptions
    from latentink.methods.registry import load_method
    from latentink.payload.keys import derive_keys

    chosen = load_method(method, MethodOptions(depth, decoder, subsampling, secret, device))
    if out.suffix.lower() != chosen.suffix:
        raise OptionError(f"{chosen.name} writes {chosen.suffix} files; rename the output.")
    with Console(stderr=True).status(f"embedding with {chosen.name}"):
        if message is None:
            stego, figures = embed_random(chosen, picture, seed)
        else:
            stego, figures = embed_message(chosen, picture, message, derive_keys(secret), seed)
    write_atomically(out, stego.data)
    if report is not None:
        from dataclasses import asdict

        write_atomically(report, as_json(asdict(figures)).encode())
    if json:
        print_json(figures)
    else:
        print_rows([("written", str(out)), *embedding_rows(figures)])
        if not chosen.simulated:
            told = {
                "--method": method,
                "--depth": None if depth == DEFAULT_DEPTH else depth,
                "--decoder": decoder,
                "--subsampling": None if subsampling == DEFAULT_SUBSAMPLING else subsampling,
                "--seed": seed if message is None else None,
            }
            print(f"read with: {extracting(out, told, asking=secret is not None)}")


def extracting(stego: Path, options: dict[str, str | int | None], *, asking: bool) -> str:
    """Return the command that reads what was embedded.

    Args:
        stego: the file.
        options: what ``extract`` has to be told; None is left out.
        asking: whether a password is needed.

    Example:
        >>> extracting(Path("my s.png"), {"--method": "fnns-png", "--seed": None}, asking=True)
        "latentink extract 'my s.png' --method fnns-png --ask-password"
    """
    words = ["latentink", "extract", str(stego)]
    for name, value in options.items():
        if value is not None:
            words += [name, str(value)]
    return shlex.join([*words, "--ask-password"] if asking else words)
