"""Where the message comes from: an option, a file, or the input."""

from __future__ import annotations

import sys
from pathlib import Path

from latentink.errors import OptionError
from latentink.input_files import read_input


def read_message(text: str | None, file: Path | None) -> bytes:
    """Return the message of exactly one of -m and -f.

    Raises:
        OptionError: both or neither, no valid text, or an unreadable file.
    """
    if (text is None) == (file is None):
        raise OptionError("Give the message either with -m TEXT or with -f FILE.")
    if text is not None:
        try:
            return text.encode()
        except UnicodeEncodeError:
            raise OptionError("The message is not valid text; pass it as a file with -f.") from None
    assert file is not None
    if str(file) == "-":
        return sys.stdin.buffer.read()
    return read_input(file, OptionError)
