"""What the numbers of a photo mean as colours, and the same colours in sRGB.

A .lik file holds no colour profile, so whoever decodes it takes its numbers for sRGB.
"""

from __future__ import annotations

import io
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageCms import ImageCmsTransform

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's modes for the colour spaces of profiles."""
_ROUNDING = 2
"""Grey levels by which the profiles that makers of cameras call sRGB differ from each other."""
_SRGB_GAMMA = 1 / 2.2
_GAMMA_TOLERANCE = 0.05
"""Relative; libpng converts nothing within it either."""


def as_srgb(image: Image) -> tuple[Image, str]:
    """Return a picture in sRGB, and what became of its colours.

    Colours outside sRGB are clipped: the conversion is relative colorimetric with compensation of
    the black point, as in most programs.

    Args:
        image: without alpha, 8 bits a value, with the ``info`` that Pillow read from its file.

    Returns:
        The picture in mode RGB, and a clause for a person, empty where the numbers were sRGB's.
    """
    profile, gamma = image.info.get("icc_profile"), image.info.get("gamma")
    if image.mode not in ("L", "CMYK"):
        image = image.convert("RGB")
    if profile:
        return _through_profile(image, profile)
    if image.mode == "CMYK":
        clause = "its CMYK inks were converted to RGB without a profile, so colours are rough"
        return image.convert("RGB"), clause
    image = image.convert("RGB")
    # In a PNG file, sRGB overrides gAMA.
    if "srgb" in image.info or not gamma or abs(gamma / _SRGB_GAMMA - 1) < _GAMMA_TOLERANCE:
        return image, ""
    return image.point(_srgb_levels(gamma) * 3), "its gamma was converted to that of sRGB"


def _through_profile(image: Image, profile: bytes) -> tuple[Image, str]:
    """Return the picture (mode RGB, L or CMYK) in sRGB by its ICC profile, and a clause."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODES[source.profile.xcolor_space.strip()]
        if mode == "RGB" and image.mode == "L":
            image = image.convert("RGB")
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (KeyError, OSError, ImageCms.PyCMSError):  # Foreign, damaged, or of another mode.
        return image.convert("RGB"), "its colour profile is of no use and was ignored"
    if image.mode != "CMYK" and _changes_nothing(transform, image.mode):
        return image.convert("RGB"), ""
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted, "its colours were converted from its own profile to sRGB"


def _changes_nothing(transform: ImageCmsTransform, mode: str) -> bool:
    """Return whether a transform to RGB leaves colours as they are, but for rounding."""
    from PIL import Image, ImageCms

    levels = range(0, 256, 15)
    colours = list(product(levels, repeat=3)) if mode == "RGB" else [(v, v, v) for v in levels]
    before = Image.fromarray(np.array([colours], np.uint8))
    after = ImageCms.applyTransform(before.convert(mode), transform)
    difference = np.asarray(after, np.int16) - np.asarray(before, np.int16)
    return bool(np.abs(difference).max() <= _ROUNDING)


def _srgb_levels(gamma: float) -> list[int]:
    """Return what the levels 0 to 255 of a PNG file with this gAMA are in sRGB (IEC 61966-2-1)."""
    light = (np.arange(256) / 255) ** (1 / gamma)
    values = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return [int(level) for level in np.rint(255 * values)]
