"""The canonical grid: luminance at a size that follows from the picture's aspect ratio alone.

A picture that is rescaled keeps its aspect ratio, so that sender and receiver resample it to the
same grid although its size changed on the way::

    picture (H, W, 3) ─ luminance ─ Lanczos ─► grid (8·rows, 8·columns) ─ DCT 8×8 ─► coefficients

Of each block of 8×8 the lowest frequencies but the mean are used, which lossy formats and
rescaling leave nearly as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image
from scipy.fft import dctn, idctn

BLOCK = 8
"""Side of a block, samples of the grid."""
FREQUENCIES = tuple((u, total - u) for total in range(1, 5) for u in range(total + 1))
"""The (vertical, horizontal) frequencies of a block that carry, the lowest 14."""
AREAS = tuple(round(12_500 * 2 ** (step / 2)) for step in range(15))
"""Samples that a grid has, about: 12,500 to 1,600,000."""
_ROUNDING = 1.5
"""Pixels by which rescaling may round a side."""
_ENOUGH_PIXELS = 2_500_000
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, order=True)
class Grid:
    """Size of a canonical grid.

    Attributes:
        rows: blocks from top to bottom.
        columns: blocks from left to right.
    """

    rows: int
    columns: int

    @property
    def coefficients(self) -> int:
        """Number of coefficients that carry."""
        return self.rows * self.columns * len(FREQUENCIES)


def grid_of(size: tuple[int, int], area: int) -> Grid:
    """Return the grid of about ``area`` samples for a picture of (height, width) pixels.

    Example:
        >>> grid_of((512, 768), 100_000)
        Grid(rows=32, columns=48)
    """
    rows, columns = _exact_blocks(size, area)
    return Grid(_rounded(rows), _rounded(columns))


def grids_of(size: tuple[int, int], area: int) -> list[Grid]:
    """Return the grids that the sender of a picture may have used before it was rescaled.

    The first is that of :func:`grid_of`; there are more where a side's rounding could have moved a
    number of blocks across the border between two integers.

    Example:
        >>> grids_of((512, 768), 100_000)
        [Grid(rows=32, columns=48), Grid(rows=32, columns=49)]
    """
    height, width = size
    # A rounded side moves the aspect ratio, and with it both numbers of blocks.
    slack = _ROUNDING / 2 * (1 / height + 1 / width)
    choices = []
    for exact in _exact_blocks(size, area):
        least, most = (_rounded(exact * (1 + sign * slack)) for sign in (-1, 1))
        choices.append(sorted(range(least, most + 1), key=partial(_distance, exact)))
    rows, columns = choices
    return [Grid(row, column) for row in rows for column in columns]


def _exact_blocks(size: tuple[int, int], area: int) -> tuple[float, float]:
    height, width = size
    rows = math.sqrt(area * height / width) / BLOCK
    return rows, area / (BLOCK * BLOCK * rows)


def _distance(exact: float, blocks: int) -> float:
    return abs(blocks - exact)


def _rounded(blocks: float) -> int:
    return max(1, round(blocks))


def luminance(picture: np.ndarray) -> Image.Image:
    """Return the luminance of (H, W, 3) uint8, as a picture of float32 grey levels.

    Pictures of more than 5 megapixels are reduced by a whole number first, which costs a box filter
    far above the frequencies that carry.
    """
    image = Image.fromarray(picture)
    factor = int(math.sqrt(image.width * image.height / _ENOUGH_PIXELS))
    if factor > 1:
        image = image.reduce(factor)
    return Image.fromarray(np.asarray(image, dtype=np.float32) @ _LUMINANCE)


def read_coefficients(grey: Image.Image, grid: Grid) -> np.ndarray:
    """Return the coefficients of a picture on a grid.

    Args:
        grey: what :func:`luminance` returns.
        grid: to resample to.

    Returns:
        (rows · columns · 14,) float32, orthonormal DCT in grey levels: block after block, each in
        the order of ``FREQUENCIES``.
    """
    sampled = grey.resize((BLOCK * grid.columns, BLOCK * grid.rows), Image.Resampling.LANCZOS)
    blocks = np.asarray(sampled).reshape(grid.rows, BLOCK, grid.columns, BLOCK).swapaxes(1, 2)
    spectrum = dctn(blocks, axes=(2, 3), norm="ortho")
    vertical, horizontal = np.transpose(FREQUENCIES)
    return np.ascontiguousarray(spectrum[:, :, vertical, horizontal], dtype=np.float32).ravel()


def upsampled(change: np.ndarray, grid: Grid, size: tuple[int, int]) -> np.ndarray:
    """Return what a change of coefficients adds to each pixel of a picture.

    Args:
        change: of the coefficients, in the order of :func:`read_coefficients`.
        grid: theirs.
        size: height and width of the picture, pixels.

    Returns:
        (H, W) float32, grey levels.
    """
    spectrum = np.zeros((grid.rows, grid.columns, BLOCK, BLOCK), dtype=np.float32)
    vertical, horizontal = np.transpose(FREQUENCIES)
    spectrum[:, :, vertical, horizontal] = change.reshape(grid.rows, grid.columns, -1)
    blocks = idctn(spectrum, axes=(2, 3), norm="ortho")
    samples = blocks.swapaxes(1, 2).reshape(BLOCK * grid.rows, BLOCK * grid.columns)
    height, width = size
    grey = Image.fromarray(np.ascontiguousarray(samples, dtype=np.float32))
    return np.asarray(grey.resize((width, height), Image.Resampling.BICUBIC))
