"""Bytes to symbols, with every read checked."""

from __future__ import annotations

import numpy as np

from latentink.codecs.rans.few_lanes import FEW_LANES, decode_cells
from latentink.codecs.rans.lanes import (
    FLAG_COUNT,
    FLAG_START,
    LOWEST,
    RUN,
    cost_of,
    first_lanes,
    lanes_after,
    run_starts,
)
from latentink.codecs.rans.table import ESCAPE_LIMIT, TOTAL, CodingTable
from latentink.codecs.rows import of_rows
from latentink.errors import ContainerError

_8, _16 = np.uint32(8), np.uint32(16)
_REST = np.uint32(TOTAL - 1)
_LOWEST = np.uint32(LOWEST)


class Decoder:
    """Reads a stream of :func:`~latentink.codecs.rans.encoder.encode` pass by pass.

    A stream that is cut short, continued or altered gives an error or other symbols, and never
    more than one stream gives the same symbols.
    """

    def __init__(self, stream: bytes, symbols: int) -> None:
        """Open ``stream``, which codes so many symbols.

        Raises:
            ContainerError: The stream is shorter than any that codes so many.
        """
        self._bytes = np.frombuffer(stream, dtype=np.uint8)
        self._place = self._cost = 0
        self._left = symbols
        self._states = np.empty(0, dtype=np.uint32)
        self._open(first_lanes(symbols))

    def read(self, rows: np.ndarray, table: CodingTable) -> np.ndarray:
        """Return the symbols (int32, shape of ``rows``) of the next pass.

        Args:
            rows: Integers of any shape, the row of the table for each symbol.
            table: Their distributions.

        Raises:
            ContainerError: The stream is exhausted, or it is not one that the encoder writes.
        """
        flat = rows.ravel()
        if flat.size > self._left:
            raise ValueError("a stream is asked for more symbols than it was opened for")
        self._left -= flat.size
        self._cost += cost_of(flat, table)
        self._open(lanes_after(len(self._states), self._cost))
        symbols = of_rows(table.likeliest, flat)
        coded, followed = self._coded(flat, table)
        coded_rows = flat[coded]
        cells = self._cells(coded_rows, table)
        found = table.symbol.take(cells)
        escapes = np.flatnonzero(cells == of_rows(table.escape, coded_rows))
        if len(escapes):
            found[escapes] = self._escaped(coded_rows[escapes], table)
        symbols[coded] = found
        differs = symbols[followed] != table.likeliest[flat[followed]]
        if len(followed) and not np.logical_or.reduceat(differs, run_starts(followed)).all():
            raise _damaged()  # A run of likeliest symbols has another, shorter code.
        return symbols.reshape(rows.shape)

    def finish(self) -> None:
        """Check that the stream ends here.

        Raises:
            ContainerError: It goes on, or it was altered.
        """
        if self._left:
            raise ValueError(f"{self._left} symbols of the stream were not read")
        if self._place != len(self._bytes) or (self._states != _LOWEST).any():
            raise _damaged()

    def _open(self, lanes: int) -> None:
        """Take the first states of lanes that start here."""
        new = lanes - len(self._states)
        if new:
            fresh = self._take(4 * new).view("<u4").astype(np.uint32)
            if (fresh < _LOWEST).any():
                raise _damaged()
            self._states = np.concatenate([self._states, fresh])

    def _take(self, number: int) -> np.ndarray:
        """Return the next ``number`` bytes."""
        end = self._place + number
        if end > len(self._bytes):
            raise _damaged()
        taken = self._bytes[self._place : end]
        self._place = end
        return taken

    def _coded(self, rows: np.ndarray, table: CodingTable) -> tuple[np.ndarray, np.ndarray]:
        """Return which symbols have a cell, bool (n,), and the places of those in quiet rows."""
        coded = of_rows(~table.quiet, rows)
        places = np.flatnonzero(~coded)
        flags = np.empty(len(run_starts(places)), dtype=bool)
        for step, states in self._steps(len(flags)):
            rest = states & _REST
            flags[step] = follows = rest >= FLAG_START[1]
            kind = follows.astype(np.intp)
            self._advance(states, rest, FLAG_COUNT[kind], FLAG_START[kind])
        followed = places[np.repeat(flags, RUN)[: len(places)]]
        coded[followed] = True
        return coded, followed

    def _cells(self, rows: np.ndarray, table: CodingTable) -> np.ndarray:
        """Return the cell of each symbol."""
        if len(self._states) <= FEW_LANES:
            return self._cells_on_few_lanes(rows, table)
        cell_at, counts, starts = table.cell_at, table.count, table.start
        base = rows.astype(np.uint32)
        base <<= _16
        cells = np.empty(len(rows), dtype=cell_at.dtype)
        for step, states in self._steps(len(rows)):
            rest = states & _REST
            cells[step] = own = cell_at.take(base[step] + rest)
            self._advance(states, rest, counts.take(own), starts.take(own))
        return cells

    def _cells_on_few_lanes(self, rows: np.ndarray, table: CodingTable) -> np.ndarray:
        states = self._states.tolist()
        try:
            cells, self._place = decode_cells(
                states, self._bytes.data, self._place, rows.tolist(), table
            )
        except IndexError:
            raise _damaged() from None
        self._states = np.array(states, dtype=np.uint32)
        return np.array(cells, dtype=table.cell_at.dtype)

    def _escaped(self, rows: np.ndarray, table: CodingTable) -> np.ndarray:
        """Return the symbols of escapes."""
        found = np.empty(len(rows), dtype=np.int32)
        one = np.uint32(1)
        for step, states in self._steps(len(rows)):
            rest = states & _REST
            found[step] = rest
            self._advance(states, rest, one, rest)
        found[found > ESCAPE_LIMIT] -= TOTAL
        # A symbol of the row has a cell, and so no escape.
        own = table.cells_of(found, rows) != table.escape[rows]
        if own.any() or (found < -ESCAPE_LIMIT).any():
            raise _damaged()
        return found

    def _steps(self, number: int) -> list[tuple[slice, np.ndarray]]:
        """Return the slices that cut ``number`` cells into steps, with their lanes' states."""
        lanes = len(self._states)
        return [
            (slice(begin, min(begin + lanes, number)), self._states[: number - begin])
            for begin in range(0, number, lanes)
        ]

    def _advance(
        self,
        states: np.ndarray,
        rest: np.ndarray,
        count: np.ndarray | np.uint32,
        start: np.ndarray,
    ) -> None:
        """Remove a cell from each state, and refill those that became small."""
        states >>= _16
        states *= count
        states += rest
        states -= start
        low = np.flatnonzero(states < _LOWEST)
        if len(low):
            filled = (states[low] << _8) | self._take(len(low))
            again = np.flatnonzero(filled < _LOWEST)
            if len(again):
                filled[again] = (filled[again] << _8) | self._take(len(again))
            states[low] = filled


def _damaged() -> ContainerError:
    return ContainerError("This file's coded data is damaged; get a fresh copy of it.")
