"""latentink: hide a message in a photo while a learned codec compresses it.

>>> import latentink
>>> result = latentink.hide("cover.png", b"meet at noon", password="tide")  # doctest: +SKIP
>>> latentink.reveal(result.data, password="tide")  # doctest: +SKIP
b'meet at noon'

Names are loaded on first use: ``import latentink`` alone does not load PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from latentink.errors import (
    CapacityError,
    ContainerError,
    LatentinkError,
    MessageNotFoundError,
    OptionError,
    OutputError,
    PictureError,
    WeightsError,
)

if TYPE_CHECKING:
    from latentink.results import (
        Capacity,
        CompressReport,
        CompressResult,
        HideOptions,
        HideReport,
        StegoResult,
    )
    from latentink.steganography import capacity, compress, decompress, hide, reveal

__version__ = "0.1.0"

__all__ = [
    "Capacity",
    "CapacityError",
    "CompressReport",
    "CompressResult",
    "ContainerError",
    "HideOptions",
    "HideReport",
    "LatentinkError",
    "MessageNotFoundError",
    "OptionError",
    "OutputError",
    "PictureError",
    "StegoResult",
    "WeightsError",
    "capacity",
    "compress",
    "decompress",
    "hide",
    "reveal",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("latentink.steganography"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
