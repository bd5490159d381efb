"""The symbols of a file beside what the codec's entropy model expects of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, xlogy

from latentink.codecs.entropy_model import Latents
from latentink.losses.rate import information

SCALE_EDGES = (0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0)
"""Scales σ between the classes by scale."""

RANK_EDGES = (1 / 128, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)
"""Shares of a file's symbols, largest scales first, between the classes by rank."""

SCALE_CLASSES, RANK_CLASSES = len(SCALE_EDGES) + 1, len(RANK_EDGES) + 1

MAGNITUDES = 7
"""Magnitudes 0 to 6 are counted one by one."""


@dataclass(frozen=True)
class Expectations:
    """What the entropy model expects of a symbol s, for each row of its table of Gaussians.

    Attributes:
        information: (rows,) of −log2 P(s): the entropy in bits.
        magnitude: (rows,) of |s|.
        energy: (rows,) of s².
        odd: (rows,) probability that s is odd.
        double_odd: (rows,) probability that s ≡ 2 modulo 4.
        magnitudes: (rows, ``MAGNITUDES``) probability that |s| is 0, 1, 2, …
    """

    information: np.ndarray
    magnitude: np.ndarray
    energy: np.ndarray
    odd: np.ndarray
    double_odd: np.ndarray
    magnitudes: np.ndarray


@dataclass(frozen=True)
class SymbolModel:
    """The symbols of a file, their scales and classes, and what is expected of them.

    Attributes:
        y: (M, h, w) float64 symbols.
        scales: (M, h, w) scales σ.
        rows: (M, h, w) rows of the table of Gaussians.
        expected: what each row expects.
        by_scale: (M, h, w) class by scale; 0 has the smallest scales.
        by_rank: (M, h, w) class by rank of the scale within the file; 0 has the largest scales,
            which the latents channel fills first.
    """

    y: np.ndarray
    scales: np.ndarray
    rows: np.ndarray
    expected: Expectations
    by_scale: np.ndarray
    by_rank: np.ndarray

    @property
    def excess(self) -> np.ndarray:
        """Bits (M, h, w) that each symbol costs above its entropy."""
        bits = information(self.y.ravel(), self.scales.ravel()).reshape(self.y.shape)
        return bits - self.expected.information[self.rows]

    @property
    def energy(self) -> np.ndarray:
        """s² (M, h, w) less its expectation, in units of σ² + 1/12, clipped to ±20."""
        excess = np.square(self.y) - self.expected.energy[self.rows]
        # Without the clipping a few symbols of the smallest scales would outweigh all others.
        return np.clip(excess / (np.square(self.scales) + 1 / 12), -20, 20)

    @property
    def odd(self) -> np.ndarray:
        """1 for an odd symbol and 0 for an even one, less the expectation, (M, h, w)."""
        return np.mod(self.y, 2) - self.expected.odd[self.rows]


def model_symbols(latents: Latents, scales: np.ndarray) -> SymbolModel:
    """Return the symbols of ``latents`` with their model.

    Args:
        latents: of a file.
        scales: (rows,) scales σ of the codec's table of Gaussians.
    """
    rows = latents.indexes.astype(np.intp)
    # The share of symbols with a larger scale, for each row of the table.
    counts = np.bincount(rows.ravel(), minlength=len(scales))
    above = (counts.sum() - np.cumsum(counts)) / counts.sum()
    rank = np.searchsorted(RANK_EDGES, above + counts / counts.sum() / 2)
    by_row = np.searchsorted(SCALE_EDGES, scales)
    return SymbolModel(
        y=latents.y.astype(np.float64),
        scales=scales[rows],
        rows=rows,
        expected=expectations(scales),
        by_scale=by_row[rows],
        by_rank=rank[rows],
    )


def expectations(scales: np.ndarray) -> Expectations:
    """Return what is expected of rounded Gaussians with standard deviations ``scales`` (rows,)."""
    symbols = np.arange(int(np.ceil(10 * scales.max())) + 2)
    sigma = scales[:, None]
    once = ndtr((0.5 - symbols) / sigma) - ndtr((-0.5 - symbols) / sigma)
    # The probability of a magnitude: 0 has one sign, the others have two.
    share = once * np.where(symbols > 0, 2, 1)
    bits = np.divide(xlogy(share, once), -np.log(2))
    return Expectations(
        information=bits.sum(axis=1),
        magnitude=share @ symbols,
        energy=share @ symbols**2,
        odd=share[:, 1::2].sum(axis=1),
        double_odd=share[:, 2::4].sum(axis=1),
        magnitudes=share[:, :MAGNITUDES],
    )
