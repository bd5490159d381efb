"""Integer probability tables for rANS, as they lie in the weights file.

Computing them takes error functions, whose last digits differ between machines. Sender and receiver
therefore read the integers from the weights file and never compute them (gaussian_tables.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from latentink.codecs.rans.table import CodingTable

SCALE_MINIMUM = 0.11


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


def pack_table(name: str, table: EntropyTable) -> dict[str, np.ndarray]:
    """Return a table as int32 arrays.

    These are ``NAME_cdf``, all rows one after another, ``NAME_length``, the counts in each row, and
    ``NAME_offset``, the symbol of each row's first cell.
    """
    flat = [count for row in table.cdf for count in row]
    return {
        f"{name}_cdf": np.array(flat, dtype=np.int32),
        f"{name}_length": np.array([len(row) for row in table.cdf], dtype=np.int32),
        f"{name}_offset": np.array(table.offset, dtype=np.int32),
    }


def unpack_table(name: str, tensors: Mapping[str, np.ndarray]) -> EntropyTable:
    """Return the table that :func:`pack_table` packed under ``name``."""
    flat = tensors[f"{name}_cdf"].tolist()
    rows, start = [], 0
    for length in tensors[f"{name}_length"].tolist():
        rows.append(flat[start : start + length])
        start += length
    return EntropyTable(rows, tensors[f"{name}_offset"].tolist())
