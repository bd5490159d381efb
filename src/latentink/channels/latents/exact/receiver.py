"""The receiver of what :mod:`.writer` wrote: salt, blocks, fields, ciphertext."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from latentink.channels.latents.exact.blocks import Block, Layout, syndrome
from latentink.channels.latents.exact.fields import COUNT_BITS, LENGTH_BITS, Fields
from latentink.errors import MessageNotFoundError
from latentink.payload.keys import Keys
from latentink.payload.sealing import decrypt


def read_exactly(
    y: np.ndarray, rows: np.ndarray, passes: Sequence[np.ndarray], keys: Keys, scales: np.ndarray
) -> bytes | None:
    """Return the message, or None where these keys find none.

    Args:
        y: (M, h, w) symbols.
        rows: (M, h, w) their rows of the Gaussian table.
        passes: flat positions of each pass, in coding order.
        keys: of the file.
        scales: σ of each row of the codec's Gaussian table.
    """
    layout = Layout(keys, scales)
    counts: Fields | None = None
    parts, said, end = [], 0, 0
    for block, symbols in _blocks(layout, y.ravel(), rows.ravel(), passes):
        if counts is None:
            counts = Fields(layout.salted, "counts")
        bits = syndrome(layout.columns(block), symbols % 2)
        parts.append(bits[COUNT_BITS:][: counts.read(bits[:COUNT_BITS])])
        said += len(parts[-1])
        if end == 0 and said >= LENGTH_BITS:
            start = np.concatenate(parts)[:LENGTH_BITS]
            end = LENGTH_BITS + 8 * Fields(layout.salted, "length").read(start)
            if end > y.size:
                return None
        if end and said >= end:
            return _decrypted(np.concatenate(parts)[LENGTH_BITS:end], layout.salted)
    return None


def _decrypted(bits: np.ndarray, keys: Keys) -> bytes | None:
    """Return the message, or None: what looks like one is the coins of a plain file."""
    try:
        return decrypt(np.packbits(bits, bitorder="little").tobytes(), keys)
    except MessageNotFoundError:
        return None


def _blocks(
    layout: Layout, y: np.ndarray, rows: np.ndarray, passes: Sequence[np.ndarray]
) -> Iterator[tuple[Block, np.ndarray]]:
    """Yield each block with its symbols."""
    for places in passes:
        salt, carrying = layout.split(rows[places])
        layout.add_salt(y[places[salt]], rows[places[salt]])
        for block in layout.blocks(carrying, rows[places]):
            yield block, y[places[block.picks]]
