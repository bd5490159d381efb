"""Symbols to bytes and back: rANS (CompressAI's coder) over shipped integer tables."""

from __future__ import annotations

import numpy as np
from compressai.ans import RansDecoder, RansEncoder

from latentink.codecs.entropy_tables import EntropyTable
from latentink.errors import ContainerError

# The decoder reads ahead without looking where the stream ends.
_READ_AHEAD = bytes(64)


def encode_symbols(symbols: np.ndarray, indexes: np.ndarray, table: EntropyTable) -> bytes:
    """Return the rANS stream of ``symbols``.

    Args:
        symbols: integers of any shape.
        indexes: the table row of each symbol, same shape.
        table: the distributions; symbols outside a row cost bypass bits.
    """
    return RansEncoder().encode_with_indexes(
        symbols.ravel().tolist(), indexes.ravel().tolist(), table.cdf, table.lengths, table.offset
    )


class SymbolReader:
    """Reads a stream of :func:`encode_symbols` piece by piece, in the order it was written."""

    def __init__(self, stream: bytes, table: EntropyTable) -> None:
        """Open ``stream``, whose symbols follow the rows of ``table``.

        Raises:
            ContainerError: the stream is empty.
        """
        if len(stream) < 4:
            raise ContainerError("This file's coded data is cut short; get a fresh copy of it.")
        self._decoder = RansDecoder()
        self._decoder.set_stream(stream + _READ_AHEAD)
        self._table = table

    def read(self, indexes: np.ndarray) -> np.ndarray:
        """Return the next symbols (int32, shape of ``indexes``), given the row of each."""
        table = self._table
        decoded = self._decoder.decode_stream(
            indexes.ravel().tolist(), table.cdf, table.lengths, table.offset
        )
        return np.array(decoded, dtype=np.int32).reshape(indexes.shape)


def decode_symbols(stream: bytes, indexes: np.ndarray, table: EntropyTable) -> np.ndarray:
    """Return all symbols (int32, shape of ``indexes``) of a stream of :func:`encode_symbols`.

    Raises:
        ContainerError: the stream is empty.
    """
    return SymbolReader(stream, table).read(indexes)
