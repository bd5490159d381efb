"""The cells of an entropy table, as the lanes of the coder look them up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from latentink.codecs.rows import of_rows

TOTAL_BITS = 16
TOTAL = 1 << TOTAL_BITS
ESCAPE_LIMIT = 2**15 - 1
"""Largest magnitude of a symbol that an escape can hold."""
_QUIET = TOTAL - 4


class CodingTable:
    """Rows of cells, each a range of counts: one for each symbol, and last one for the escape.

    Attributes:
        first: (rows,) int32, the number of each row's first cell among all cells.
        escape: (rows,) int32, the number of its escape.
        offset: (rows,) int32, the symbol of its first cell.
        start: (cells,) uint32, the counts of a row before the cell.
        count: (cells,) uint32, the counts of the cell, at least 1.
        symbol: (cells,) int32, the symbol of the cell; of an escape, a number that is no symbol.
        likeliest: (rows,) int32, the symbol with the most counts, the first of equals.
        quiet: (rows,) bool, whether nearly every symbol of the row is the likeliest.
        cost: (rows,) int64, what a symbol of the row costs on average, in 2^-15 bits, for the
            number of lanes.
        least_cost: (rows,) float64, what its cheapest symbol costs, bits.
    """

    def __init__(self, cdf: Sequence[Sequence[int]], offset: Sequence[int]) -> None:
        """Take rows of cumulative counts from 0 to 2^16, and the symbol of each row's first cell.

        Raises:
            ValueError: A row has no symbol beside the escape, does not ascend from 0 to 2^16, or
                reaches symbols that an escape could not hold.

        Example:
            >>> table = CodingTable([[0, 30000, 65000, 65536]], [-1])
            >>> table.symbol[:2], table.likeliest, int(table.count[-1])
            (array([-1,  0], dtype=int32), array([0], dtype=int32), 536)
        """
        rows = [np.asarray(row, dtype=np.int64) for row in cdf]
        for row, lowest in zip(rows, offset, strict=True):
            if len(row) < 3 or row[0] != 0 or row[-1] != TOTAL or (np.diff(row) < 1).any():
                raise ValueError("a row of cumulative counts does not ascend from 0 to 65536")
            if lowest < -ESCAPE_LIMIT or lowest + len(row) - 3 > ESCAPE_LIMIT:
                raise ValueError(f"a row reaches symbols beyond {ESCAPE_LIMIT}")
        cells = np.array([len(row) - 1 for row in rows])
        ends = np.cumsum(cells)
        self.offset = np.asarray(offset, dtype=np.int32)
        self.first = (ends - cells).astype(np.int32)
        self.escape = (ends - 1).astype(np.int32)
        self.start = np.concatenate([row[:-1] for row in rows]).astype(np.uint32)
        self.count = np.concatenate([np.diff(row) for row in rows]).astype(np.uint32)
        within = np.arange(ends[-1]) - np.repeat(self.first, cells)
        self.symbol = (within + np.repeat(self.offset, cells)).astype(np.int32)
        best = np.array([int(np.argmax(np.diff(row)[:-1])) for row in rows])
        most = self.count[self.first + best].astype(np.int64)
        self.likeliest = (self.offset + best).astype(np.int32)
        self.quiet = most >= _QUIET
        self.cost = _costs(rows, self.quiet)
        self.least_cost = TOTAL_BITS - np.log2(most)

    @cached_property
    def cell_at(self) -> np.ndarray:
        """(rows × 2^16,) the number of the cell at each count of each row."""
        kind = np.uint16 if len(self.count) <= TOTAL else np.uint32
        return np.repeat(np.arange(len(self.count), dtype=kind), self.count)

    @cached_property
    def counts(self) -> list[int]:
        """The same as ``count``, whole numbers of Python."""
        return self.count.tolist()

    @cached_property
    def starts(self) -> list[int]:
        """The same as ``start``, whole numbers of Python."""
        return self.start.tolist()

    def cells_of(self, symbols: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the cell (int32) of each symbol (int32): the escape if its row lacks it."""
        cells = of_rows(self.first - self.offset, rows)
        cells += symbols
        escape = of_rows(self.escape, rows)
        outside = (cells < of_rows(self.first, rows)) | (cells > escape)
        np.copyto(cells, escape, where=outside)
        return cells


def _costs(rows: Sequence[np.ndarray], quiet: np.ndarray) -> np.ndarray:
    """Return the mean cost of each row, 2^-15 bits; the logarithm is linear between powers of 2.

    Integers alone, because sender and receiver derive the number of lanes from it.
    """
    costs = []
    for row in rows:
        count = np.diff(row)
        power = np.frexp(count)[1].astype(np.int64) - 1
        bits = (17 - power) * 2**15 - ((count << 15) >> power)
        costs.append(int((count * bits).sum()) >> TOTAL_BITS)
    return np.where(quiet, costs, np.maximum(costs, 2**14))
