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
    from latentink.lik_format import LikFormat
    from latentink.ordinary_pictures import capacity_of_picture, hide_in_picture
    from latentink.picture_formats import PictureFormat
    from latentink.receiving import reveal
    from latentink.results import (
        Capacity,
        CompressReport,
        CompressResult,
        HideOptions,
        HideReport,
        PictureOptions,
        PictureReport,
        PictureResult,
        StegoResult,
    )
    from latentink.steganography import capacity, compress, decompress, hide

__version__ = "0.1.0"

_PLACES = {
    "latentink.lik_format": ("LikFormat",),
    "latentink.ordinary_pictures": ("capacity_of_picture", "hide_in_picture"),
    "latentink.picture_formats": ("PictureFormat",),
    "latentink.receiving": ("reveal",),
    "latentink.results": (
        "Capacity",
        "CompressReport",
        "CompressResult",
        "HideOptions",
        "HideReport",
        "PictureOptions",
        "PictureReport",
        "PictureResult",
        "StegoResult",
    ),
    "latentink.steganography": ("capacity", "compress", "decompress", "hide"),
}
"""Module → the names that are loaded from it on first use."""

__all__ = [
    "Capacity",
    "CapacityError",
    "CompressReport",
    "CompressResult",
    "ContainerError",
    "HideOptions",
    "HideReport",
    "LatentinkError",
    "LikFormat",
    "MessageNotFoundError",
    "OptionError",
    "OutputError",
    "PictureError",
    "PictureFormat",
    "PictureOptions",
    "PictureReport",
    "PictureResult",
    "StegoResult",
    "WeightsError",
    "capacity",
    "capacity_of_picture",
    "compress",
    "decompress",
    "hide",
    "hide_in_picture",
    "reveal",
]


def __getattr__(name: str) -> Any:
    for place, names in _PLACES.items():
        if name in names:
            return getattr(importlib.import_module(place), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
