"""Watermarks that users reach for when a picture must survive JPEG: two packages from PyPI.

``blind-watermark`` (guofei9987) hides bits in singular values of blocks of a wavelet transform;
``invisible-watermark`` (ShieldMnt; its ``dwtDct`` is what Stable Diffusion ships) quantises the
largest coefficient of blocks. Both get as many bits as the robust channel takes. Neither finds a
picture again that was rescaled; as users are told, the receiver scales it back to the size that it
knows.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentink.errors import OptionError
from latentink.methods.entries import MethodEntry
from latentink.methods.method import SavedMethod, Stego
from latentink.methods.saving import Png, eight_bits

BITS = 512
"""Bits that a picture gets: with the default strength more would be read wrong even unchanged."""


def _package(name: str, module: str) -> Any:
    """Return a module of a package that is not installed with latentink.

    Raises:
        OptionError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise OptionError(
            f"This method needs the package {name} ({error}); pip install 'latentink[watermarks]'."
        ) from None


@dataclass(frozen=True)
class BlindWatermark(SavedMethod):
    """``blind-watermark`` with its default strength and fixed passwords.

    Attributes:
        bits: that a picture gets.
    """

    bits: int = BITS
    name = "blind-watermark"
    saving = Png()

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (512,), or fewer where the picture has not so many blocks."""
        blocks = (cover.shape[0] // 8) * (cover.shape[1] // 8)
        return (min(self.bits, blocks - 1),)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a PNG; raises OptionError as the contract says."""
        self.check_bits(cover, bits)
        marker = _marker()
        marker.read_img(img=np.ascontiguousarray(cover[:, :, ::-1]))
        marker.read_wm(bits.astype(bool), mode="bit")
        marked = np.asarray(marker.embed())[:, :, ::-1].clip(0, 255) / np.float32(255)
        return self.load(self.saving.encode(marked.astype(np.float32)))

    def extract(self, stego: Stego) -> np.ndarray:
        """Return soft bits: how far each average lies above ½."""
        picture = eight_bits(stego.picture)
        (count,) = self.bits_shape(picture)
        blue_first = np.ascontiguousarray(picture[:, :, ::-1])
        found = _marker().extract(embed_img=blue_first, wm_shape=count, mode="bit")
        return np.asarray(found, dtype=np.float32) - np.float32(0.5)


def _marker() -> Any:
    """Return the package's object, without the greeting that it prints."""
    package = _package("blind-watermark", "blind_watermark")
    with contextlib.redirect_stdout(io.StringIO()):
        return package.WaterMark(password_img=1, password_wm=1)


@dataclass(frozen=True)
class InvisibleWatermark(SavedMethod):
    """``invisible-watermark``'s ``dwtDct``.

    Attributes:
        bits: that a picture gets.
    """

    bits: int = BITS // 2
    name = "invisible-watermark"
    saving = Png()

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (256,)."""
        return (self.bits,)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a PNG; raises OptionError as the contract says."""
        self.check_bits(cover, bits)
        encoder = _package("invisible-watermark", "imwatermark").WatermarkEncoder()
        encoder.set_watermark("bits", bits.tolist())
        marked = encoder.encode(np.ascontiguousarray(cover[:, :, ::-1]), "dwtDct")[:, :, ::-1]
        return self.load(self.saving.encode(marked.astype(np.float32) / np.float32(255)))

    def extract(self, stego: Stego) -> np.ndarray:
        """Return bits as −1 and 1."""
        decoder = _package("invisible-watermark", "imwatermark").WatermarkDecoder("bits", self.bits)
        blue_first = np.ascontiguousarray(eight_bits(stego.picture)[:, :, ::-1])
        found = np.asarray(decoder.decode(blue_first, "dwtDct"), dtype=np.float32)
        return 2 * found - 1


ENTRIES = (
    MethodEntry(
        "blind-watermark",
        "guofei9987",
        "singular values of a wavelet transform, 512 bits",
        lambda options: BlindWatermark(),
    ),
    MethodEntry(
        "invisible-watermark",
        "ShieldMnt",
        "dwtDct, 256 bits",
        lambda options: InvisibleWatermark(),
    ),
)
