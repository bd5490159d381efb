"""Where the password comes from: an option, a file, a prompt, or the environment."""

from __future__ import annotations

import getpass
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from latentink.errors import OptionError

VARIABLE = "LATENTINK_PASSWORD"
_LONGEST_PASSWORD = 65_536  # bytes

PasswordOption = Annotated[
    str | None,
    typer.Option(
        "-p",
        "--password",
        help=f"The password. Other users of this machine may see it; the file, the prompt or "
        f"the variable {VARIABLE} keep it hidden.",
        metavar="PASSWORD",
    ),
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option("--password-file", help="A file whose first line is the password."),
]
AskOption = Annotated[bool, typer.Option("--ask-password", help="Ask for the password.")]


def read_password(password: str | None, file: Path | None, ask: bool, *, twice: bool) -> str | None:
    """Return the password, or None when none was given in any way.

    Args:
        password: from the option.
        file: from ``--password-file``.
        ask: whether to prompt.
        twice: whether the prompt asks for a repetition.

    Raises:
        OptionError: two ways at once, an unreadable file, an empty file or variable, no terminal
            to ask on, or two different answers.
    """
    if sum((password is not None, file is not None, ask)) > 1:
        raise OptionError("Give the password in one way: -p, --password-file or --ask-password.")
    if file is not None:
        return _first_line(file)
    if ask:
        return _prompt(twice)
    return password if password is not None else _from_environment()


def say_if_public(password: str | None) -> None:
    """Tell the sender on standard error when the message is not protected."""
    if password is None:
        print(
            "latentink: no password given, so the public key is used: "
            "anybody with latentink can read the message.",
            file=sys.stderr,
        )


def _first_line(file: Path) -> str:
    try:
        with file.open("rb") as source:  # A pipe will do, as from a password manager.
            line = source.readline(_LONGEST_PASSWORD + 1)
    except OSError as error:
        raise OptionError(
            f"The password file {file} cannot be read: {error.strerror}; "
            "check its name and permissions."
        ) from None
    if len(line) > _LONGEST_PASSWORD:
        raise OptionError(
            f"The first line of the password file {file} is too long; name a file with a password."
        )
    try:
        password = line.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise OptionError(
            f"The password file {file} is not UTF-8 text; save it as UTF-8."
        ) from None
    if not password:
        raise OptionError(
            f"The password file {file} has no password in its first line; write it there."
        )
    return password


def _from_environment() -> str | None:
    password = os.environ.get(VARIABLE)
    if password == "":
        raise OptionError(
            f"The variable {VARIABLE} is empty; set it to the password, or unset it to use none."
        )
    return password


def _prompt(twice: bool) -> str:
    try:
        with warnings.catch_warnings():
            # Without a terminal getpass would warn, and then show what is typed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            password = getpass.getpass("Password: ")
            if twice and getpass.getpass("Repeat it: ") != password:
                raise OptionError("The two passwords differ; start again.")
    except (EOFError, getpass.GetPassWarning):
        raise OptionError(
            "There is no terminal to ask for the password on; give it with --password-file or the "
            f"variable {VARIABLE}."
        ) from None
    return password
