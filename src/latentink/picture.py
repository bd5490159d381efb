"""Pictures: finding, reading and writing them, and the receiver's 8-bit rounding.

A picture travels as an array (H, W, 3) uint8 outside the networks and as a tensor (1, 3, H, W)
float32 in [0, 1] inside them.
"""

from __future__ import annotations

import io
import math
import os
import secrets
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentink.errors import OptionError, OutputError, PictureError
from latentink.geometry import MAXIMUM_PIXELS, MAXIMUM_SIDE, MINIMUM_SIDE
from latentink.input_files import read_input

if TYPE_CHECKING:
    from torch import Tensor

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
"""What is read; Pillow knows more, some of it by programs that should not see strangers' files."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
"""By which :func:`list_photos` knows pictures."""


def list_photos(folder: Path) -> list[Path]:
    """Return the pictures directly in ``folder``, sorted by name.

    Raises:
        OptionError: the folder is missing or holds no picture; the sentence names it.
    """
    if not folder.is_dir():
        raise OptionError(f"The folder of photos {folder} does not exist.")
    photos = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    if not photos:
        raise OptionError(f"The folder {folder} holds no photo ({', '.join(PICTURE_SUFFIXES)}).")
    return photos


def read_picture(path: Path) -> np.ndarray:
    """Return the picture at ``path`` as (H, W, 3) uint8, upright and without alpha.

    EXIF orientation is applied; greyscale is expanded to three channels.

    Raises:
        PictureError: no such file, not a picture, damaged, an alpha channel, or an unusable size.
    """
    return decode_picture(read_file(path), path.name)


def read_file(path: Path) -> bytes:
    """Return the bytes of ``path``.

    Raises:
        PictureError: the file is missing, a folder, or unreadable.
    """
    return read_input(path, PictureError)


def decode_picture(data: bytes, name: str) -> np.ndarray:
    """Return the picture in the bytes of an image file as (H, W, 3) uint8; see read_picture."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Large pictures are refused by _check_kind; odd metadata nobody asked for.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as file:
                _check_kind(file, name)
                upright = ImageOps.exif_transpose(file)
                return np.array(_eight_bit(upright).convert("RGB"))
    except UnidentifiedImageError:
        raise PictureError(
            f"{name} is not a picture that can be read; use PNG, JPEG, WebP, TIFF or BMP."
        ) from None
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # A damaged file makes Pillow's decoders raise nearly anything.
        raise PictureError(f"{name} is damaged or unreadable as a picture ({error}).") from None


def _check_kind(file, name: str) -> None:  # type: ignore[no-untyped-def]
    width, height = file.size
    if min(width, height) < MINIMUM_SIDE:
        raise PictureError(
            f"{name} is {width}×{height} pixels; a cover needs at least "
            f"{MINIMUM_SIDE}×{MINIMUM_SIDE}."
        )
    if max(width, height) > MAXIMUM_SIDE or width * height > MAXIMUM_PIXELS:
        raise PictureError(
            f"{name} is {width}×{height} pixels; the limit is {MAXIMUM_PIXELS // 10**6} megapixels."
        )
    if "A" in file.getbands() or "a" in file.getbands() or "transparency" in file.info:
        raise PictureError(
            f"{name} has an alpha channel (transparency); flatten it onto a background first."
        )


def _eight_bit(image):  # type: ignore[no-untyped-def]
    """Scale 16-bit greyscale to 8 bits, where Pillow's own conversion would clip."""
    if image.mode.startswith("I;16"):
        from PIL import Image

        return Image.fromarray((np.asarray(image) / 257 + 0.5).astype(np.uint8))
    return image


def centre(picture: np.ndarray, side: int) -> np.ndarray:
    """Return at most the central ``side`` × ``side`` pixels of (H, W, 3)."""
    top, left = (max(length - side, 0) // 2 for length in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def to_tensor(picture: np.ndarray) -> Tensor:
    """Return (H, W, 3) uint8 as (1, 3, H, W) float32 in [0, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].float() / 255


def to_picture(tensor: Tensor) -> np.ndarray:
    """Return (1, 3, H, W) in [0, 1] as (H, W, 3) uint8: the receiver's rounding."""
    rounded = (tensor[0].float().clamp(0, 1) * 255).round()
    return np.ascontiguousarray(rounded.byte().numpy().transpose(1, 2, 0))


def psnr_db(cover: np.ndarray, stego: np.ndarray) -> float:
    """Return 10·log10(255² / MSE) in dB of two (H, W, 3) in grey levels; inf when equal.

    Args:
        cover: uint8.
        stego: uint8, or float32 of 0 to 255.
    """
    # scikit-image's takes five times as long: it goes through float64.
    squares = np.square(np.subtract(cover, stego, dtype=np.float32))
    error = float(squares.mean(dtype=np.float64))
    return 10 * math.log10(255**2 / error) if error else math.inf


def picture_psnr_db(cover: np.ndarray, picture: np.ndarray) -> float:
    """Return the PSNR in dB of a picture (H, W, 3) float32 in [0, 1] against its uint8 cover."""
    return psnr_db(cover, picture * np.float32(255))


def encode_png(picture: np.ndarray, effort: int = 3) -> bytes:
    """Return (H, W, 3) uint8 as the bytes of a PNG file; ``effort`` is zlib's level, 0 to 9.

    At 3, photos come out smaller than at 6, in less than half of the time.
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", compress_level=effort)
    return buffer.getvalue()


def check_lik_name(path: Path) -> None:
    """Make sure that ``path`` is not named like a picture, which a .lik file is not.

    Raises:
        OutputError: it is.
    """
    if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"):
        raise OutputError(f"{path} would be a .lik file; name an output that ends in .lik.")


def check_output(path: Path, *inputs: Path) -> None:
    """Make sure, before any long work, that ``path`` can be written and is not an input.

    Raises:
        OutputError: the folder is missing or not writable, ``path`` is a folder or an input file.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise OutputError(
                f"The folder {path.parent} does not exist; create it first."
            ) from None
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from None
    else:
        _check_overwriting(path, inputs)
    write_atomically(path.with_name(_temporary_name(path)), None)


def _check_overwriting(path: Path, inputs: tuple[Path, ...]) -> None:
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file for the output.")
    if any(source.exists() and path.samefile(source) for source in inputs):
        raise OutputError(f"{path} is the input itself; choose another name for the output.")
    if not os.access(path, os.W_OK):
        raise OutputError(f"{path} is write-protected; choose another name for the output.")


def write_atomically(path: Path, data: bytes | None) -> None:
    """Write ``data`` to a temporary name beside ``path`` and rename; None only tests the folder.

    Raises:
        OutputError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    temporary = path.with_name(_temporary_name(path))
    try:
        try:
            temporary.write_bytes(data or b"")
            if data is not None:
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from None


def _temporary_name(path: Path) -> str:
    return f".{path.name[:100]}.{secrets.token_hex(4)}.part"
