"""Where the weights lie that ship with latentink."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "weights"


def bundled(name: str) -> Path:
    """Return the path of the bundled weights file called ``name``, whether or not it exists.

    Example:
        >>> bundled("hyperprior").name
        'hyperprior.safetensors'
    """
    return FOLDER / f"{name}.safetensors"
