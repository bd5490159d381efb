"""Integer probability tables for rANS, made once and shipped inside the weights file.

Building them takes exponentials and error functions, whose last digits differ between machines;
so no receiver ever builds them. The file of weights carries the integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor

PRECISION = 16
SCALE_MINIMUM = 0.11
SCALE_MAXIMUM = 256.0
SCALE_LEVELS = 64
_TAIL_MASS = 1e-9
# Scales on a grid, so that comparing an exact scale with a level has one answer everywhere.
_SCALE_UNIT = 2.0**-20


@dataclass(frozen=True)
class EntropyTable:
    """Quantised cumulative distributions, one row per index.

    Attributes:
        cdf: rows of cumulative counts from 0 to 2^16; the last cell of a row is the escape.
        offset: the symbol of each row's first cell.
    """

    cdf: list[list[int]]
    offset: list[int]

    @property
    def lengths(self) -> list[int]:
        """Entries in each row, as CompressAI's coder wants them."""
        return [len(row) for row in self.cdf]


def scale_levels() -> np.ndarray:
    """Return the ascending scales of the table's rows: (SCALE_LEVELS,) float64, geometric."""
    levels = np.geomspace(SCALE_MINIMUM, SCALE_MAXIMUM, SCALE_LEVELS)
    return np.round(levels / _SCALE_UNIT) * _SCALE_UNIT


def gaussian_table(levels: np.ndarray) -> EntropyTable:
    """Return one row per scale: a zero-mean Gaussian on the integers (Ballé et al. 2018)."""
    rows, offsets = [], []
    for scale in levels:
        reach = math.ceil(scale * 6.2)  # The Gaussian's mass beyond is below 1e-9.
        symbols = np.arange(-reach, reach + 1, dtype=np.float64)
        pmf = ndtr((symbols + 0.5) / scale) - ndtr((symbols - 0.5) / scale)
        rows.append(quantised_cdf(pmf, 2 * ndtr(-(reach + 0.5) / scale)))
        offsets.append(-reach)
    return EntropyTable(rows, offsets)


def quantised_cdf(pmf: np.ndarray, escape: float) -> list[int]:
    """Return cumulative counts summing to 2^16, every symbol and the escape at least 1.

    Args:
        pmf: (n,) probabilities of the row's symbols.
        escape: probability of a symbol outside the row (coded by bypass bits).
    """
    from compressai._CXX import pmf_to_quantized_cdf

    return list(pmf_to_quantized_cdf([*pmf.tolist(), max(escape, _TAIL_MASS)], PRECISION))


def pack_table(name: str, table: EntropyTable) -> dict[str, Tensor]:
    """Return the table as int32 tensors ``NAME_cdf`` (flat), ``NAME_length``, ``NAME_offset``."""
    flat = [count for row in table.cdf for count in row]
    return {
        f"{name}_cdf": torch.tensor(flat, dtype=torch.int32),
        f"{name}_length": torch.tensor(table.lengths, dtype=torch.int32),
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
