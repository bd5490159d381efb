"""Integer probability tables for rANS, computed once and stored in the weights file.

Computing them takes error functions, whose last digits differ between machines. Sender and receiver
therefore read the integers from the weights file and never compute them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor

from latentink.codecs.rans.table import TOTAL, CodingTable

SCALE_MINIMUM = 0.11
SCALE_MAXIMUM = 256.0
SCALE_LEVELS = 64
_TAIL_MASS = 1e-9
# Scales lie on a grid, so that every machine compares an exact scale with them alike.
_SCALE_UNIT = 2.0**-20


@dataclass(frozen=True)
class EntropyTable:
    """Cumulative distributions in integers, a row for each distribution.

    Attributes:
        cdf: Rows of cumulative counts from 0 to 2^16; the last cell of a row is the escape, which
            codes all symbols outside of the row.
        offset: The symbol of the first cell of each row.
    """

    cdf: list[list[int]]
    offset: list[int]

    def coding(self) -> CodingTable:
        """Return the table as the coder takes it."""
        return CodingTable(self.cdf, self.offset)


def scale_levels() -> np.ndarray:
    """Return the standard deviations of the rows of the Gaussian table.

    Returns:
        (SCALE_LEVELS,) float64, ascending in a geometric series, on a grid of 2^-20.
    """
    levels = np.geomspace(SCALE_MINIMUM, SCALE_MAXIMUM, SCALE_LEVELS)
    return np.round(levels / _SCALE_UNIT) * _SCALE_UNIT


def gaussian_table(levels: np.ndarray) -> EntropyTable:
    """Return the table of zero-mean Gaussians, integrated over whole symbols.

    Each probability is that of an interval of length 1 around a whole number (Ballé et al. 2018,
    "Variational image compression with a scale hyperprior", Eq. 6).

    Args:
        levels: Standard deviations, a row for each.
    """
    rows, offsets = [], []
    for scale in levels:
        reach = math.ceil(scale * 6.2)  # Less than 1e-9 of the mass lies beyond.
        symbols = np.arange(-reach, reach + 1, dtype=np.float64)
        pmf = ndtr((symbols + 0.5) / scale) - ndtr((symbols - 0.5) / scale)
        rows.append(quantised_cdf(pmf, 2 * ndtr(-(reach + 0.5) / scale)))
        offsets.append(-reach)
    return EntropyTable(rows, offsets)


def quantised_cdf(pmf: np.ndarray, escape: float) -> list[int]:
    """Return cumulative counts from 0 to 2^16 in which each symbol and the escape count at least 1.

    Args:
        pmf: (n,) probabilities of the row's symbols.
        escape: Probability of a symbol outside of the row.

    Example:
        >>> quantised_cdf(np.array([1.0, 0.0]), escape=0.0)
        [0, 65534, 65535, 65536]
    """
    # In single precision, as the tables of weights that exist were made.
    shares = np.array([*pmf, max(escape, _TAIL_MASS)], dtype=np.float32).astype(np.float64)
    rounded = np.floor(shares * TOTAL + 0.5).astype(np.int64)
    counts = rounded * TOTAL // rounded.sum()
    counts[-1] += TOTAL - counts.sum()
    for cell in np.flatnonzero(counts < 1):
        lender = int(np.argmin(np.where(counts > 1, counts, 2 * TOTAL)))
        counts[lender] -= 1
        counts[cell] += 1
    return [0, *np.cumsum(counts).tolist()]


def pack_table(name: str, table: EntropyTable) -> dict[str, Tensor]:
    """Return a table as int32 tensors.

    These are ``NAME_cdf``, all rows one after another, ``NAME_length``, the counts in each row, and
    ``NAME_offset``, the symbol of each row's first cell.
    """
    flat = [count for row in table.cdf for count in row]
    return {
        f"{name}_cdf": torch.tensor(flat, dtype=torch.int32),
        f"{name}_length": torch.tensor([len(row) for row in table.cdf], dtype=torch.int32),
        f"{name}_offset": torch.tensor(table.offset, dtype=torch.int32),
    }


def unpack_table(name: str, tensors: dict[str, Tensor]) -> EntropyTable:
    """Return the table that :func:`pack_table` packed under ``name``."""
    flat = tensors[f"{name}_cdf"].tolist()
    rows, start = [], 0
    for length in tensors[f"{name}_length"].tolist():
        rows.append(flat[start : start + length])
        start += length
    return EntropyTable(rows, tensors[f"{name}_offset"].tolist())
