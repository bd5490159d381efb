"""What the rest of the project knows of a codec without loading it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodecSpec:
    """A codec's registration.

    Attributes:
        name: as on the command line and in the metadata of a weights file.
        number: as in the header of a .lik file.
    """

    name: str
    number: int
