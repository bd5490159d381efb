"""Symbols to bytes and back."""

from __future__ import annotations

import numpy as np
import pytest

from latentink.codecs.bitstream import SymbolReader, decode_symbols, encode_symbols
from latentink.codecs.entropy_tables import gaussian_table
from latentink.errors import ContainerError

TABLE = gaussian_table(np.array([0.2, 1.0, 20.0]))


def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Symbols and rows; some symbols lie far outside of their row."""
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 3, count).astype(np.int32)
    symbols = np.rint(generator.normal(0, np.array([0.2, 1.0, 20.0])[rows])).astype(np.int32)
    symbols[::50] = generator.integers(-30_000, 30_000, len(symbols[::50]))
    return symbols, rows


def test_symbols_come_back_whole_and_in_pieces() -> None:
    symbols, rows = drawn(1000)
    stream = encode_symbols(symbols, rows, TABLE)
    np.testing.assert_array_equal(decode_symbols(stream, rows, TABLE), symbols)
    reader = SymbolReader(stream, TABLE)
    pieces = [reader.read(part) for part in np.array_split(rows, 7)]
    np.testing.assert_array_equal(np.concatenate(pieces), symbols)


def test_the_stream_is_about_as_long_as_the_entropy() -> None:
    generator = np.random.default_rng(0)
    symbols = np.rint(generator.normal(0, 20, 20_000)).astype(np.int32)
    stream = encode_symbols(symbols, np.full(20_000, 2, dtype=np.int32), TABLE)
    bits = 20_000 * np.log2(20 * np.sqrt(2 * np.pi * np.e))
    assert 8 * len(stream) == pytest.approx(bits, rel=0.01)


def test_a_stream_that_is_cut_away_is_refused() -> None:
    with pytest.raises(ContainerError, match="cut short"):
        decode_symbols(b"abc", np.zeros(1, dtype=np.int32), TABLE)
