"""Reads files that a person names, and refuses what no such file is."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latentink.errors import LatentinkError, OptionError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 2**31


def check_regular(path: Path, error: Callable[[str], LatentinkError]) -> None:
    """Check that ``path`` is a file that can be read to its end.

    A device may have no end, and a pipe may wait for its writer for ever.

    Args:
        path: as the person named it.
        error: makes what is raised of a sentence.

    Raises:
        LatentinkError: it is missing, a folder, a device or a pipe, or larger than 2 GiB.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise error(f"There is no file {path}; check the name.") from None
    except (OSError, ValueError) as reason:
        raise error(
            f"{path} cannot be read: {_why(reason)}; check its name and permissions."
        ) from None
    if stat.S_ISDIR(found.st_mode):
        raise error(f"{path} is a folder; name one file.")
    if not stat.S_ISREG(found.st_mode):
        raise error(f"{path} is a device or a pipe; put what it gives into a file, and name that.")
    if found.st_size > _MOST_BYTES:
        raise error(f"{path} is larger than 2 GiB; name a smaller file.")


def read_input(path: Path, error: Callable[[str], LatentinkError]) -> bytes:
    """Return the bytes of a file.

    Args:
        path: as the person named it.
        error: makes what is raised of a sentence.

    Raises:
        LatentinkError: as for :func:`check_regular`, or it is unreadable.
    """
    check_regular(path, error)
    try:
        return path.read_bytes()
    except OSError as reason:
        raise error(
            f"{path} cannot be read: {_why(reason)}; check its name and permissions."
        ) from None


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return the values in a TOML file.

    Args:
        path: as the person named it.
        what: how errors call it, as "The recipe".

    Raises:
        OptionError: it cannot be read, or is not TOML.
    """
    data = read_input(path, OptionError)
    try:
        return tomllib.loads(data.decode("utf-8"))
    except RecursionError:
        raise OptionError(
            f"{what} {path} is nested too deeply; write it with fewer brackets."
        ) from None
    except ValueError as reason:  # Not TOML, not UTF-8, or a number of thousands of digits.
        raise OptionError(f"{what} {path} is not TOML: {reason}; correct it.") from None


def _why(reason: OSError | ValueError) -> str:
    return getattr(reason, "strerror", None) or str(reason)
