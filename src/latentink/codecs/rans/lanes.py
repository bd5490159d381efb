"""What encoder and decoder share: states, the number of lanes, and how a pass is cut up.

Each lane is a rANS coder of its own (Duda 2013, "Asymmetric numeral systems"; interleaved as by
Giesen 2014, "Interleaved entropy coders"). A step codes one cell on every lane, so that NumPy works
on whole arrays.
"""

from __future__ import annotations

import numpy as np

from latentink.codecs.rans.table import TOTAL, CodingTable
from latentink.codecs.rows import counts_of_rows

LOWEST = 2**24
"""States are at least this between steps, and exactly this at the end of a stream."""
RUN = 64
"""Symbols of quiet rows share a flag, so many at a time."""
# Of the flags "all of the run are the likeliest" and "the run follows".
FLAG_COUNT = np.array([TOTAL - 256, 256], dtype=np.uint32)
FLAG_START = np.array([0, TOTAL - 256], dtype=np.uint32)
_SYMBOLS_OF_A_LANE = 2**16
_COST_OF_A_LANE = 2**15 * 8 * 1536


def first_lanes(symbols: int) -> int:
    """Return the number of lanes at the start of a stream of so many symbols."""
    return 1 + symbols // _SYMBOLS_OF_A_LANE


def lanes_after(lanes: int, cost: int) -> int:
    """Return the number of lanes for a stream that costs ``cost`` in 2^-15 bits so far."""
    return max(lanes, 1 + cost // _COST_OF_A_LANE)


def cost_of(rows: np.ndarray, table: CodingTable) -> int:
    """Return what symbols of these rows cost on average, all together, in 2^-15 bits."""
    return int(counts_of_rows(rows, len(table.cost)) @ table.cost)


def run_starts(places: np.ndarray) -> np.ndarray:
    """Return where among ``places``, those of the symbols of quiet rows, each run starts."""
    return np.arange(0, len(places), RUN)
