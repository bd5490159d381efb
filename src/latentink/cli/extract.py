"""``latentink extract``: reads what ``embed`` put into a file."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people
from latentink.cli.options import DecoderOption, DepthOption, MethodOption, SubsamplingOption
from latentink.cli.password import AskOption, PasswordFileOption, PasswordOption, read_password
from latentink.cli.reveal import printable
from latentink.defaults import DEFAULT_DEPTH, DEFAULT_SUBSAMPLING
from latentink.errors import OptionError
from latentink.picture import check_output, read_file, write_atomically


@for_people
def extract_command(
    stego: Annotated[Path, typer.Argument(help="The file that embed wrote.")],
    method: MethodOption,
    depth: DepthOption = DEFAULT_DEPTH,
    decoder: DecoderOption = None,
    subsampling: SubsamplingOption = DEFAULT_SUBSAMPLING,
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    ask_password: AskOption = False,
    seed: Annotated[
        int | None,
        typer.Option(help="Compare with the random bits of this seed instead."),
    ] = None,
    bits: Annotated[
        Path | None,
        typer.Option(help="Write the soft bits to this .npy file instead."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the message to this file.")
    ] = None,
) -> None:
    """Read the message that embed put into a file, or its raw bits, or say how many are right."""
    if sum(choice is not None for choice in (seed, bits, out)) > 1:
        raise OptionError("Use only one of --seed, --bits and --out.")
    if seed is not None and seed < 0:
        raise OptionError("The seed must be 0 or more.")
    for path in (bits, out):
        if path is not None:
            check_output(path, stego)
    secret = read_password(password, password_file, ask_password, twice=False)
    data = read_file(stego)

    from latentink.methods.entries import MethodOptions
    from latentink.methods.registry import load_method

    chosen = load_method(method, MethodOptions(depth, decoder, subsampling, secret))
    soft = chosen.extract(chosen.load(data))
    if bits is not None:
        import numpy as np

        buffer = io.BytesIO()
        np.save(buffer, soft, allow_pickle=False)
        write_atomically(bits, buffer.getvalue())
        print(f"{soft.size} soft bits written to {bits}", file=sys.stderr)
        return
    if seed is not None:
        from latentink.methods.method import random_bits
        from latentink.metrics.raw_bits import raw_accuracy

        accuracy = raw_accuracy(soft, random_bits(soft.shape, seed))
        print(f"{accuracy:.4%} of {soft.size:,} bits are those of seed {seed}")
        return

    from latentink.methods.messages import message_from
    from latentink.payload.keys import derive_keys

    message = message_from(soft, derive_keys(secret))
    if out is not None:
        write_atomically(out, message)
        print(f"{len(message)} bytes written to {out}", file=sys.stderr)
    elif sys.stdout.isatty():
        print(printable(message))
    else:
        sys.stdout.buffer.write(message)
