"""Names of files on a terminal."""

from __future__ import annotations

from pathlib import Path


def shown(text: str | Path) -> str:
    """Return text for a terminal; control characters in a file's name must not steer it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
