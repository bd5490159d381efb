"""Attacks: functions from a picture to what is left of it, made of a few steps.

All encoders are Pillow's (libjpeg-turbo, libwebp, libavif). Subsampling of JPEG is 4:2:0.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

Step = Callable[["Image"], "Image"]

_LARGEST_ENLARGED = 16_000_000
"""Pixels up to which a picture is enlarged: nobody enlarges a phone photo."""


@dataclass(frozen=True)
class Attack:
    """Something that happens to a picture on its way.

    Attributes:
        name: as it is printed.
        steps: what is done, one after the other.
        scale: by which the picture's sides are multiplied.
        longest_side: to which the picture is reduced if it is larger, pixels; 0 reduces nothing.
    """

    name: str
    steps: tuple[Step, ...] = ()
    scale: float = 1.0
    longest_side: int = 0

    def size_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width after the attack of a picture of this height and width.

        Example:
            >>> Attack("1,280 pixels", longest_side=1280).size_of((3000, 4000))
            (960, 1280)
        """
        height, width = size
        factor = self.scale
        if self.longest_side:
            factor = min(1.0, self.longest_side / max(size))
        return max(1, round(height * factor)), max(1, round(width * factor))

    def happens_to(self, size: tuple[int, int]) -> bool:
        """Return whether the attack means anything for a picture of this height and width."""
        if self.longest_side:
            return max(size) > self.longest_side
        height, width = self.size_of(size)
        return self.scale <= 1 or height * width <= _LARGEST_ENLARGED

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Return the picture (H, W, 3) uint8 after the attack."""
        from PIL.Image import Resampling, fromarray

        image = fromarray(picture)
        height, width = self.size_of((picture.shape[0], picture.shape[1]))
        if (width, height) != image.size:
            image = image.resize((width, height), Resampling.LANCZOS)
        for step in self.steps:
            image = step(image)
        return np.array(image)


def jpeg(quality: int) -> Step:
    """Return the step that saves as JPEG, 4:2:0."""
    return lambda image: _saved(image, "JPEG", quality=quality, subsampling=2)


def webp(quality: int) -> Step:
    """Return the step that saves as WebP."""
    return lambda image: _saved(image, "WEBP", quality=quality)


def avif(quality: int) -> Step:
    """Return the step that saves as AVIF."""
    return lambda image: _saved(image, "AVIF", quality=quality, speed=8)


def sharpened(percent: int) -> Step:
    """Return the step that sharpens by an unsharp mask of one pixel's radius."""

    def step(image: Image) -> Image:
        from PIL.ImageFilter import UnsharpMask

        return image.filter(UnsharpMask(1, percent, 0))

    return step


def gamma(exponent: float) -> Step:
    """Return the step that raises each value in [0, 1] to a power."""
    curve = [round(255 * (level / 255) ** exponent) for level in range(256)]
    return lambda image: image.point(curve * 3)


def _saved(image: Image, file_format: str, **settings: int) -> Image:
    from PIL.Image import open as opened

    buffer = io.BytesIO()
    image.save(buffer, file_format, **settings)
    with opened(buffer) as saved:
        return saved.convert("RGB")
