"""Symbols to bytes and back: CompressAI's rANS coder, with the tables of the weights file.

rANS, range asymmetric numeral systems: Duda 2013, "Asymmetric numeral systems".
"""

from __future__ import annotations

import numpy as np
from compressai.ans import RansDecoder, RansEncoder

from latentink.codecs.entropy_tables import EntropyTable
from latentink.errors import ContainerError

# The decoder reads past the end of its input.
_READ_AHEAD = bytes(64)


def encode_symbols(symbols: np.ndarray, indexes: np.ndarray, table: EntropyTable) -> bytes:
    """Return the rANS stream of ``symbols``.

    Args:
        symbols: Integers of any shape.
        indexes: The row of the table for each symbol, of the same shape.
        table: The distributions. A symbol outside of its row is coded as an escape and bypass bits.

    Example:
        >>> table = EntropyTable(cdf=[[0, 30000, 60000, 65536]], offset=[0])  # 0, 1 and the escape
        >>> symbols = np.array([0, 1, 1, 0, 25])
        >>> rows = np.zeros(5, dtype=np.int32)
        >>> decode_symbols(encode_symbols(symbols, rows, table), rows, table)
        array([ 0,  1,  1,  0, 25], dtype=int32)
    """
    return RansEncoder().encode_with_indexes(
        symbols.ravel().tolist(), indexes.ravel().tolist(), table.cdf, table.lengths, table.offset
    )


class SymbolReader:
    """Reads a stream of :func:`encode_symbols` piece by piece, from its start."""

    def __init__(self, stream: bytes, table: EntropyTable) -> None:
        """Open ``stream``, which was coded with ``table``.

        Raises:
            ContainerError: The stream is shorter than any that the coder writes.
        """
        if len(stream) < 4:
            raise ContainerError("This file's coded data is cut short; get a fresh copy of it.")
        self._decoder = RansDecoder()
        self._decoder.set_stream(stream + _READ_AHEAD)
        self._table = table

    def read(self, indexes: np.ndarray) -> np.ndarray:
        """Return the next symbols (int32, shape of ``indexes``), given the table's row of each."""
        table = self._table
        decoded = self._decoder.decode_stream(
            indexes.ravel().tolist(), table.cdf, table.lengths, table.offset
        )
        return np.array(decoded, dtype=np.int32).reshape(indexes.shape)


def decode_symbols(stream: bytes, indexes: np.ndarray, table: EntropyTable) -> np.ndarray:
    """Return all symbols (int32, shape of ``indexes``) of a stream of :func:`encode_symbols`.

    Raises:
        ContainerError: The stream is shorter than any that the coder writes.
    """
    return SymbolReader(stream, table).read(indexes)
