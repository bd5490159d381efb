"""File formats from which a method has to read its bits again."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from latentink.errors import OptionError, PictureError
from latentink.picture import decode_picture, encode_png

PILLOWS_EFFORT = 6
"""Pillow's default compression level for PNG; file sizes are compared at it."""

SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
"""Colour subsamplings of JPEG and Pillow's numbers for them."""


class Saving(ABC):
    """A file format with its settings.

    Attributes:
        suffix: of the file, with its dot.
    """

    suffix: str

    @abstractmethod
    def encode(self, picture: np.ndarray) -> bytes:
        """Return the bytes of a file of ``picture`` (H, W, 3) float32 in [0, 1]."""

    @abstractmethod
    def decode(self, data: bytes) -> np.ndarray:
        """Return the picture in the bytes of a file, (H, W, 3) float32 in [0, 1].

        Raises:
            PictureError: the bytes are not a file of this format.
        """


@dataclass(frozen=True)
class Floats(Saving):
    """Floating-point values in NumPy's own format.

    Attributes:
        bits: 32 or 16, of each value.
    """

    bits: int = 32
    suffix = ".npy"

    def encode(self, picture: np.ndarray) -> bytes:
        """Return the bytes of an .npy file."""
        buffer = io.BytesIO()
        np.save(buffer, picture.astype(f"<f{self.bits // 8}"), allow_pickle=False)
        return buffer.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        """Return the picture."""
        try:
            values = np.load(io.BytesIO(data), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise PictureError(
                f"This is not an .npy file of a picture ({error}); name one that embed wrote."
            ) from None
        fits = isinstance(values, np.ndarray) and values.ndim == 3 and values.shape[2] == 3
        if not fits or values.dtype.kind != "f":
            raise PictureError("This .npy file does not hold a picture; name one that embed wrote.")
        return values.astype(np.float32)


@dataclass(frozen=True)
class Png(Saving):
    """PNG: 8 bits for each value, without further loss."""

    suffix = ".png"

    def encode(self, picture: np.ndarray) -> bytes:
        """Return the bytes of a PNG file."""
        return encode_png(eight_bits(picture), PILLOWS_EFFORT)

    def decode(self, data: bytes) -> np.ndarray:
        """Return the picture."""
        return from_eight_bits(decode_picture(data, "The stego"))


@dataclass(frozen=True)
class Jpeg(Saving):
    """JPEG as Pillow writes it.

    Attributes:
        quality: 1 to 100.
        subsampling: of colour, a key of :data:`SUBSAMPLINGS`.

    Raises:
        OptionError: JPEG has no such quality or subsampling.
    """

    quality: int
    subsampling: str = "4:4:4"
    suffix = ".jpg"

    def __post_init__(self) -> None:
        """Refuse a quality or a subsampling that JPEG does not have."""
        if not 1 <= self.quality <= 100:
            raise OptionError(f"JPEG's quality is 1 to 100, not {self.quality}.")
        if self.subsampling not in SUBSAMPLINGS:
            known = ", ".join(SUBSAMPLINGS)
            raise OptionError(f"JPEG has no subsampling {self.subsampling!r}; choose from {known}.")

    def encode(self, picture: np.ndarray) -> bytes:
        """Return the bytes of a JPEG file."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(eight_bits(picture)).save(
            buffer,
            format="JPEG",
            quality=self.quality,
            subsampling=SUBSAMPLINGS[self.subsampling],
        )
        return buffer.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        """Return the picture."""
        return from_eight_bits(decode_picture(data, "The stego"))


def eight_bits(picture: np.ndarray) -> np.ndarray:
    """Return a picture (H, W, 3) in [0, 1] rounded to uint8; other values are clipped."""
    return np.round(picture.clip(0, 1) * 255).astype(np.uint8)


def from_eight_bits(picture: np.ndarray) -> np.ndarray:
    """Return a picture (H, W, 3) uint8 as float32 in [0, 1]."""
    return picture.astype(np.float32) / np.float32(255)
