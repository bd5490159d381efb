"""Symbols to bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentink.codecs.rans.few_lanes import FEW_LANES, encode_cells
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

_8, _16 = np.uint32(8), np.uint32(16)


@dataclass(frozen=True)
class Pass:
    """Symbols whose rows are known together.

    Attributes:
        symbols: (n,) integers from -32767 to 32767.
        rows: (n,) integers, the row of the table for each.
        table: their distributions.
    """

    symbols: np.ndarray
    rows: np.ndarray
    table: CodingTable


def encode(passes: Sequence[Pass]) -> bytes:
    """Return the stream of all symbols of ``passes``.

    Raises:
        ValueError: A symbol is beyond ±32767.

    Example:
        >>> from latentink.codecs.rans.decoder import Decoder
        >>> table = CodingTable([[0, 30000, 60000, 65536]], [0])  # 0, 1 and the escape
        >>> symbols, rows = np.array([0, 1, 1, 0, 25]), np.zeros(5, dtype=np.int32)
        >>> stream = encode([Pass(symbols, rows, table)])
        >>> decoder = Decoder(stream, 5)
        >>> decoder.read(rows, table)
        array([ 0,  1,  1,  0, 25], dtype=int32)
        >>> decoder.finish()
    """
    lanes, cost = [first_lanes(sum(len(one.symbols) for one in passes))], 0
    for one in passes:
        cost += cost_of(one.rows, one.table)
        lanes.append(lanes_after(lanes[-1], cost))
    states = np.full(lanes[-1], LOWEST, dtype=np.uint32)
    written: list[bytes] = []  # From the end of the stream to its start.
    for number in reversed(range(len(passes))):
        fewer, own = lanes[number], lanes[number + 1]
        for count, start in reversed(_sequences(passes[number])):
            _encode_cells(states[:own], count, start, written)
        written.append(states[fewer:own].astype("<u4").tobytes())
    written.append(states[: lanes[0]].astype("<u4").tobytes())
    return b"".join(reversed(written))


def _sequences(one: Pass) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return counts and starts (uint32) of a pass's flags, cells and escaped symbols."""
    table = one.table
    if len(one.symbols) and max(-int(one.symbols.min()), int(one.symbols.max())) > ESCAPE_LIMIT:
        raise ValueError(f"a symbol is beyond {ESCAPE_LIMIT}")
    symbols, rows = one.symbols.astype(np.int32, copy=False), one.rows
    coded = of_rows(~table.quiet, rows)
    places = np.flatnonzero(~coded)
    starts = run_starts(places)
    differs = symbols[places] != table.likeliest[rows[places]]
    flags = np.logical_or.reduceat(differs, starts) if len(starts) else differs
    coded[places] = np.repeat(flags, RUN)[: len(places)]
    symbols, rows = symbols[coded], rows[coded]
    cells = table.cells_of(symbols, rows)
    escaped = symbols[cells == of_rows(table.escape, rows)]
    flag = flags.astype(np.intp)
    return [
        (FLAG_COUNT[flag], FLAG_START[flag]),
        (table.count.take(cells), table.start.take(cells)),
        (np.ones(len(escaped), np.uint32), (escaped % TOTAL).astype(np.uint32)),
    ]


def _encode_cells(
    states: np.ndarray, count: np.ndarray, start: np.ndarray, written: list[bytes]
) -> None:
    """Push cells onto the states, last step first; append each step's bytes to ``written``."""
    lanes = len(states)
    if lanes <= FEW_LANES:
        plain = states.tolist()
        encode_cells(plain, count.tolist(), start.tolist(), written)
        states[:] = plain
        return
    for begin in range((len(count) - 1) // lanes * lanes if len(count) else -1, -1, -lanes):
        own, before = count[begin : begin + lanes], start[begin : begin + lanes]
        x = states[: len(own)]
        full = own << _16  # At most 2^32 - 2^16, because a count is below 2^16.
        over = np.flatnonzero(x >= full)
        if len(over):
            high = x[over]
            shifted = high >> _8
            twice = shifted >= full[over]
            if twice.any():
                written.append(high[twice].astype(np.uint8).tobytes())
                written.append(np.where(twice, shifted, high).astype(np.uint8).tobytes())
                shifted = np.where(twice, shifted >> _8, shifted)
            else:
                written.append(high.astype(np.uint8).tobytes())
            x[over] = shifted
        quotient, rest = np.divmod(x, own)
        x[:] = (quotient << _16) + rest + before
