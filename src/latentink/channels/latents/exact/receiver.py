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
    y: Sequence[np.ndarray], rows: Sequence[np.ndarray], keys: Keys, scales: np.ndarray
) -> bytes | None:
    """Return the message, or None where these keys find none.

    Args:
        y: the symbols of each pass, in coding order.
        rows: their rows of the Gaussian table.
        keys: of the file.
        scales: σ of each row of the codec's Gaussian table.
    """
    layout = Layout(keys, scales)
    counts: Fields | None = None
    parts, said, end = [], 0, 0
    for block, symbols in _blocks(layout, y, rows):
        if counts is None:
            counts = Fields(layout.salted, "counts")
        bits = syndrome(layout.columns(block), symbols % 2)
        parts.append(bits[COUNT_BITS:][: counts.read(bits[:COUNT_BITS])])
        said += len(parts[-1])
        if end == 0 and said >= LENGTH_BITS:
            start = np.concatenate(parts)[:LENGTH_BITS]
            end = LENGTH_BITS + 8 * Fields(layout.salted, "length").read(start)
            if end > sum(map(len, y)):
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
    layout: Layout, y: Sequence[np.ndarray], rows: Sequence[np.ndarray]
) -> Iterator[tuple[Block, np.ndarray]]:
    """Yield each block with its symbols."""
    for symbols, own in zip(y, rows, strict=True):
        salt, carrying = layout.split(own)
        layout.add_salt(symbols[salt], own[salt])
        for block in layout.blocks(carrying, own):
            yield block, symbols[block.picks]
