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
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from latentink.colour_profiles import as_srgb
from latentink.errors import OptionError, OutputError, PictureError
from latentink.geometry import MAXIMUM_PIXELS, MAXIMUM_SIDE, MINIMUM_SIDE
from latentink.input_files import read_input
from latentink.picture_formats import FORMATS_BY_SUFFIX, OTHER_SUFFIXES

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile
    from torch import Tensor

_T = TypeVar("_T")
_ROWS_AT_A_TIME = 64

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP")
"""What is read; Pillow knows more, some of it by programs that should not see strangers' files."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".bmp")
"""By which :func:`list_photos` knows pictures."""


def list_photos(folder: Path) -> list[Path]:
    """Return the pictures directly in ``folder``, sorted by name.

    Raises:
        OptionError: the folder is missing or holds no picture; the sentence names it.
    """
    if not folder.is_dir():
        raise OptionError(f"The folder of photos {folder} does not exist; check its name.")
    photos = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    if not photos:
        raise OptionError(
            f"The folder {folder} holds no photo ({', '.join(PICTURE_SUFFIXES)}); name another."
        )
    return photos


@dataclass(frozen=True)
class Cover:
    """A photo as it is compressed.

    Attributes:
        pixels: (H, W, 3) uint8, upright, in sRGB.
        converted: what was converted that its owner may not expect, as a sentence; or empty.
    """

    pixels: np.ndarray
    converted: str


def read_cover(path: Path) -> Cover:
    """Return the photo at ``path`` as it is compressed.

    EXIF orientation is applied and greyscale is expanded to three channels. 16-bit values are
    scaled to 8 bits, and colours that are not sRGB's are converted, because a .lik file says
    nothing about its colours.

    Raises:
        PictureError: no such file, not a picture, damaged, partly transparent, of 32 bits a value,
            or of an unusable size.
    """
    return decode_cover(read_file(path), path.name)


def decode_cover(data: bytes, name: str) -> Cover:
    """Return the photo in the bytes of an image file; see :func:`read_cover`."""
    return _decoded(data, name, partial(_as_cover, name=name))


def read_picture(path: Path) -> np.ndarray:
    """Return the picture at ``path`` as (H, W, 3) uint8, upright, with its pixels as they are.

    Alpha and colour profile are ignored; greyscale is expanded to three channels.

    Raises:
        PictureError: no such file, not a picture, damaged, of 32 bits a value, or of an unusable
            size.
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
    return _decoded(data, name, _upright)


def decode_both_ways(data: bytes, name: str) -> list[np.ndarray]:
    """Return the picture as :func:`decode_picture` does, and as it is stored if that differs.

    Viewers turn a picture by its EXIF orientation alone and leave the pixels as they were sent.
    """
    return _decoded(data, name, _both_ways)


def _decoded(data: bytes, name: str, taken: Callable[[ImageFile], _T]) -> _T:
    """Return what ``taken`` makes of the image file; errors as for :func:`read_picture`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Large pictures are refused by _check_kind; odd metadata nobody asked for.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_readable_formats()) as file:
                _check_kind(file, name)
                return taken(file)
    except UnidentifiedImageError:
        raise PictureError(
            f"{name} is not a picture that can be read; use PNG, JPEG, WebP, AVIF, TIFF or BMP."
        ) from None
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # A damaged file makes Pillow's decoders raise nearly anything.
        raise PictureError(
            f"{name} is damaged or unreadable as a picture ({error}); get a fresh copy of it."
        ) from None


def _readable_formats() -> list[str]:
    """Return those of ``FORMATS`` that this Pillow reads: AVIF came with 11.3."""
    from PIL import features

    return [name for name in FORMATS if name != "AVIF" or features.check("avif")]


def _check_kind(file: ImageFile, name: str) -> None:
    width, height = file.size
    if min(width, height) < MINIMUM_SIDE:
        raise PictureError(
            f"{name} is {width}×{height} pixels; take a picture of at least "
            f"{MINIMUM_SIDE}×{MINIMUM_SIDE}."
        )
    if max(width, height) > MAXIMUM_SIDE or width * height > MAXIMUM_PIXELS:
        raise PictureError(
            f"{name} is {width}×{height} pixels; make it smaller: the limits are "
            f"{MAXIMUM_PIXELS // 10**6} megapixels and {MAXIMUM_SIDE} pixels a side."
        )
    if file.mode in ("I", "F", "LAB"):
        kind = "the colour space Lab" if file.mode == "LAB" else "32 bits a value"
        raise PictureError(f"{name} has {kind}; save it as RGB or grey with 8 or 16 bits a value.")


def _upright(file: ImageFile) -> np.ndarray:
    from PIL import ImageOps

    return _rgb(ImageOps.exif_transpose(file))


def _both_ways(file: ImageFile) -> list[np.ndarray]:
    upright, stored = _upright(file), _rgb(file)
    return [upright] if np.array_equal(upright, stored) else [upright, stored]


def _rgb(image: Image) -> np.ndarray:
    return np.array(_without_alpha(_eight_bit(image)).convert("RGB"))


def _as_cover(file: ImageFile, name: str) -> Cover:
    from PIL import ImageOps

    deep = any(";16" in str(tile) for tile in file.tile)  # Decoding empties the list.
    upright = ImageOps.exif_transpose(file)
    if _has_alpha(upright) and not _is_opaque(upright):
        raise PictureError(
            f"{name} is partly transparent (alpha channel); flatten it onto a background first."
        )
    image, colours = as_srgb(_without_alpha(_eight_bit(upright)))
    clauses = ["its 16-bit values were rounded to 8 bits"] if deep else []
    clauses += [colours] if colours else []
    return Cover(np.array(image), f"{name}: {', and '.join(clauses)}." if clauses else "")


def _has_alpha(image: Image) -> bool:
    return image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info


def _is_opaque(image: Image) -> bool:
    """Return whether no pixel of a picture with alpha lets anything through."""
    if image.mode.startswith("I;16"):  # One level stands for transparency.
        return not (np.asarray(image) == image.info["transparency"]).any()
    lowest, _ = image.convert("RGBA").getchannel("A").getextrema()
    return lowest == 255


def _without_alpha(image: Image) -> Image:
    """Return the colours of a picture in a mode that has no alpha; grey stays grey."""
    if not _has_alpha(image):
        return image
    if image.mode in ("L", "LA", "La"):
        return image.convert("LA").convert("L")
    return image.convert("RGBA").convert("RGB")


def _eight_bit(image: Image) -> Image:
    """Scale 16-bit greyscale to 8 bits, where Pillow's own conversion would clip."""
    if not image.mode.startswith("I;16"):
        return image
    from PIL.Image import fromarray

    scaled = fromarray((np.asarray(image) / 257 + 0.5).astype(np.uint8))
    scaled.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return scaled


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
    # scikit-image's takes five times as long and more: it goes through float64, and memory.
    error = 0.0
    for top in range(0, len(cover), _ROWS_AT_A_TIME):
        rows = slice(top, top + _ROWS_AT_A_TIME)
        difference = np.subtract(cover[rows], stego[rows], dtype=np.float32)
        error += float(np.square(difference).sum(dtype=np.float64))
    error /= cover.size
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
    if path.suffix.lower() in (*FORMATS_BY_SUFFIX, *OTHER_SUFFIXES):
        raise OutputError(f"{path} would be a .lik file; name an output that ends in .lik.")


def check_output(path: Path, *inputs: Path) -> None:
    """Make sure, before any long work, that ``path`` can be written and is not an input.

    Raises:
        OutputError: the folder is missing or not writable, ``path`` is a folder, an input file, or
            ``-``, by which other programs mean standard output.
    """
    if str(path) == "-":
        raise OutputError("Output goes to a file, not to standard output; name one instead of -.")
    try:
        path.lstat()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise OutputError(
                f"The folder {path.parent} does not exist; create it first."
            ) from None
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}; name another file or folder."
        ) from None
    else:
        _check_overwriting(path, inputs)
    write_atomically(path, None)


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
        raise OutputError(
            f"{path} cannot be written: {error.strerror}; name another file or folder."
        ) from None


def _temporary_name(path: Path) -> str:
    return f".{path.name[:100]}.{secrets.token_hex(4)}.part"
