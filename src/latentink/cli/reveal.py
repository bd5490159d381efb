"""``latentink reveal``: a .lik file or a picture in, the message out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people
from latentink.cli.options import ReceiverWeightsOption
from latentink.cli.password import AskOption, PasswordFileOption, PasswordOption, read_password
from latentink.errors import OptionError
from latentink.picture import check_output, write_atomically


@for_people
def reveal_command(
    stego: Annotated[
        Path, typer.Argument(help="The .lik file, or the picture, also after a messenger.")
    ],
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    ask_password: AskOption = False,
    decoder: Annotated[
        str | None,
        typer.Option(help="Message decoder file that the sender used, where it was one."),
    ] = None,
    weights: ReceiverWeightsOption = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the message here.")] = None,
) -> None:
    """Read the message; text goes to the terminal, anything to a file with -o.

    What `embed` wrote is read by `extract`, also of the methods hide-*.
    """
    if out is not None:
        check_output(out, stego)
    secret = read_password(password, password_file, ask_password, twice=False)

    from latentink.receiving import reveal

    message = reveal(stego, password=secret, decoder=decoder, weights=weights)
    if out is not None:
        write_atomically(out, message)
        print(f"{len(message)} bytes written to {out}", file=sys.stderr)
        return
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(message)
        return
    print(printable(message, "write it with -o FILE, or read what embed wrote with extract"))


def printable(message: bytes, otherwise: str = "write it with -o FILE") -> str:
    """Return the text with control characters made visible: a message must not steer a terminal.

    Raises:
        OptionError: it is not text; the sentence says what to do ``otherwise``.
    """
    try:
        text = message.decode()
    except UnicodeDecodeError:
        raise OptionError(
            f"The message is {len(message)} bytes of data, not text; {otherwise}."
        ) from None
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
