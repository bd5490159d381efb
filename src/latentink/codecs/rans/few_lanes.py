"""Coding on few lanes: a symbol at a time in whole numbers of Python.

A NumPy operation costs the same for one lane as for a hundred, and a step takes a dozen of them. On
few lanes, those of small pictures, plain numbers are several times faster; the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from latentink.codecs.rans.lanes import LOWEST
from latentink.codecs.rans.table import TOTAL, TOTAL_BITS, CodingTable

FEW_LANES = 32
"""Up to so many lanes this is the faster way."""


def decode_cells(
    states: list[int], data: memoryview, place: int, rows: Sequence[int], table: CodingTable
) -> tuple[list[int], int]:
    """Return the cell of each symbol, and the place of the next byte; ``states`` are changed.

    Args:
        states: of the lanes.
        data: the stream, bytes.
        place: of the next byte.
        rows: of the table, of each symbol.
        table: their distributions.

    Raises:
        IndexError: the stream ends too early.
    """
    cell_at, counts, starts = table.cell_at.data, table.counts, table.starts
    lanes, lane = len(states), 0
    cells: list[int] = []
    again: list[int] = []
    for row in rows:
        state = states[lane]
        rest = state & (TOTAL - 1)
        cell = cell_at[(row << TOTAL_BITS) + rest]
        cells.append(cell)
        state = (state >> TOTAL_BITS) * counts[cell] + rest - starts[cell]
        if state < LOWEST:
            state = state << 8 | data[place]
            place += 1
            if state < LOWEST:
                again.append(lane)
        states[lane] = state
        lane += 1
        if lane == lanes:
            lane = 0
            place = _refill(states, again, data, place)
    return cells, _refill(states, again, data, place)


def _refill(states: list[int], again: list[int], data: memoryview, place: int) -> int:
    """Give a second byte to the lanes that need one, after the step's first bytes."""
    for lane in again:
        states[lane] = states[lane] << 8 | data[place]
        place += 1
    again.clear()
    return place


def encode_cells(
    states: list[int], counts: Sequence[int], starts: Sequence[int], written: list[bytes]
) -> None:
    """Push cells onto ``states``, last step first; append each step's bytes to ``written``.

    Args:
        states: of the lanes; they are changed.
        counts: of each cell.
        starts: of each cell, the counts before it.
        written: from the end of the stream to its start.
    """
    lanes = len(states)
    for begin in range((len(counts) - 1) // lanes * lanes if counts else -1, -1, -lanes):
        first, second = bytearray(), bytearray()
        for lane in range(min(lanes, len(counts) - begin)):
            state, count = states[lane], counts[begin + lane]
            full = count << TOTAL_BITS
            if state >= full:
                if state >> 8 >= full:
                    second.append(state & 255)
                    state >>= 8
                first.append(state & 255)
                state >>= 8
            quotient, rest = divmod(state, count)
            states[lane] = (quotient << TOTAL_BITS) + rest + starts[begin + lane]
        written += [bytes(second), bytes(first)]
