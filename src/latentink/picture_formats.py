"""Ordinary picture formats with their settings, and what a photo's own file says about them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from latentink.errors import OptionError, OutputError

FORMATS_BY_SUFFIX = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".avif": "AVIF",
}
"""Suffix of a file → Pillow's name of its format."""

OTHER_SUFFIXES = (".gif", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".jxl", ".jp2", ".jfif")
"""Suffixes of pictures that are not written."""

JPEG_QUALITY = 92
_WEBP_QUALITY = 90
_AVIF_QUALITY = 85
_PNG_EFFORT = 3
_ORIENTATION = 0x0112


class SavedAs(Protocol):
    """How a picture is saved: what a sender needs to know of its file."""

    def encode(self, picture: np.ndarray) -> bytes:
        """Return the bytes of a file of a picture (H, W, 3) uint8."""

    def shown(self, picture: np.ndarray) -> np.ndarray:
        """Return what a reader sees of a picture (H, W, 3) uint8 that was saved."""


@dataclass(frozen=True)
class JpegTables:
    """How a JPEG file was quantised.

    Attributes:
        tables: of luminance and colour, 64 numbers each.
        subsampling: of colour, Pillow's number.
    """

    tables: tuple[tuple[int, ...], ...]
    subsampling: int


@dataclass(frozen=True)
class PictureFormat:
    """A picture format and its settings.

    Attributes:
        name: Pillow's.
        jpeg: 1 to 100, or the tables of a JPEG file; of no meaning in other formats.
        exif: metadata to write, or none.
    """

    name: str
    jpeg: int | JpegTables = JPEG_QUALITY
    exif: bytes = b""

    @property
    def lossless(self) -> bool:
        """Whether a reader gets exactly the pixels that were written."""
        return self.name == "PNG"

    def encode(self, picture: np.ndarray) -> bytes:
        """Return the bytes of a file of a picture (H, W, 3) uint8."""
        from PIL import Image

        buffer = io.BytesIO()
        metadata = {"exif": self.exif} if self.exif else {}
        Image.fromarray(picture).save(buffer, self.name, **self._settings(), **metadata)
        return buffer.getvalue()

    def shown(self, picture: np.ndarray) -> np.ndarray:
        """Return what a reader sees of a picture (H, W, 3) uint8 that was saved."""
        from PIL import Image

        if self.lossless:
            return picture
        with Image.open(io.BytesIO(self.encode(picture))) as file:
            return np.array(file.convert("RGB"))

    def _settings(self) -> dict[str, Any]:
        if self.name == "JPEG":
            if isinstance(self.jpeg, int):
                return {"quality": self.jpeg, "subsampling": 2, "optimize": True}
            tables = [list(table) for table in self.jpeg.tables]
            return {"qtables": tables, "subsampling": self.jpeg.subsampling, "optimize": True}
        if self.name == "PNG":
            return {"compress_level": _PNG_EFFORT}
        return {"quality": _WEBP_QUALITY if self.name == "WEBP" else _AVIF_QUALITY}


def format_named(path: Path, jpeg_quality: int | None = None, photo: bytes = b"") -> PictureFormat:
    """Return the format that a file's name asks for.

    Args:
        path: of the file to write.
        jpeg_quality: 1 to 100; None keeps the tables of a photo that is a JPEG itself.
        photo: the bytes of the photo's file, if it has one.

    Raises:
        OutputError: no picture format has this suffix, or this Pillow cannot write it.
        OptionError: JPEG has no such quality.

    Example:
        >>> format_named(Path("out.PNG")).name
        'PNG'
    """
    from PIL import features

    name = FORMATS_BY_SUFFIX.get(path.suffix.lower())
    if name is None:
        raise OutputError(
            f"{path} is no picture that can be written; name an output that ends in "
            f"{', '.join(FORMATS_BY_SUFFIX)} or .lik."
        )
    if name in ("WEBP", "AVIF") and not features.check(name.lower()):
        raise OutputError(
            f"The Pillow of this Python does not write {path.suffix}; name an output that ends in "
            ".jpg or .png, or install a newer Pillow."
        )
    if jpeg_quality is None:
        return PictureFormat(name, jpeg_tables(photo) or JPEG_QUALITY)
    if name != "JPEG":
        raise OptionError("--jpeg-quality is for an output that ends in .jpg; leave it out.")
    if not 1 <= jpeg_quality <= 100:
        raise OptionError(f"The quality of JPEG is 1 to 100, not {jpeg_quality}.")
    return PictureFormat(name, jpeg_quality)


def jpeg_tables(data: bytes) -> JpegTables | None:
    """Return how a JPEG file of three colours was quantised; None for any other file."""
    from PIL import Image, JpegImagePlugin

    if data[:2] != b"\xff\xd8":
        return None
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as file:
        subsampling = JpegImagePlugin.get_sampling(file)
        tables = tuple(tuple(table) for _, table in sorted(file.quantization.items()))
        if file.mode != "RGB" or subsampling < 0 or len(tables) != 2:
            return None
        if max(max(table) for table in tables) > 255:  # Pillow writes 8-bit tables only.
            return None
        return JpegTables(tables, subsampling)


def exif_of(data: bytes) -> bytes:
    """Return the metadata in a photo's file, without the orientation, which has been applied."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as file:
        exif = file.getexif()
        exif.pop(_ORIENTATION, None)
        return exif.tobytes() if len(exif) else b""
