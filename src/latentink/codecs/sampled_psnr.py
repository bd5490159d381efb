"""The PSNR of a large picture, told from a few windows of it."""

from __future__ import annotations

import math

from torch import Tensor

from latentink.codecs.compression import Decoded
from latentink.geometry import Rectangle

LEAST_SAMPLED = 4_000_000
"""Pixels above which a sample is much less work than the picture."""
_ROWS, _COLUMNS, _SIDE = 2, 4, 512


def windows(size: tuple[int, int]) -> list[Rectangle]:
    """Return the windows of a picture of this height and width: eight, evenly spread.

    Example:
        >>> windows((3000, 4000))[0]
        Rectangle(top=494, left=244, bottom=1006, right=756)
    """
    height, width = min(_SIDE, size[0] // _ROWS), min(_SIDE, size[1] // _COLUMNS)
    corners = [
        ((2 * row + 1) * size[0] // (2 * _ROWS) - height // 2 for row in range(_ROWS)),
        ((2 * column + 1) * size[1] // (2 * _COLUMNS) - width // 2 for column in range(_COLUMNS)),
    ]
    tops, lefts = (list(own) for own in corners)
    return [Rectangle(top, left, top + height, left + width) for top in tops for left in lefts]


def sampled_psnr_db(cover: Tensor, decoded: Decoded) -> tuple[float, float]:
    """Return the PSNR of the windows, dB, and the share of the picture that they are.

    Args:
        cover: (1, 3, H, W) in [0, 1].
        decoded: the file.
    """
    error, places = 0.0, windows(decoded.size)
    for place in places:
        own = cover[..., place.rows, place.columns]
        error += float((own - decoded.part(place)).square().mean()) / len(places)
    pixels = sum(place.height * place.width for place in places)
    psnr = -10 * math.log10(error) if error else math.inf
    return psnr, pixels / (decoded.size[0] * decoded.size[1])
