"""Which symbols make the salt and which a block, and each block's matrix: both ends compute them.

The first ``SALT_SYMBOLS`` eligible symbols carry nothing: what the coins made of them is the salt
of the file, from which all that follows is drawn anew, so that nothing repeats between two files of
a photo. The other eligible symbols of a pass fall into blocks by keyed numbers, so that all blocks
are alike. A block has a column of ``ROWS`` random bits for each of its symbols; those columns are
its matrix H, and the XOR of the columns of its odd symbols is what it says.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from latentink.codecs.coins import eligible_row
from latentink.payload.keys import Keys

ROWS = 256
"""Rows of H: a block says at most so many bits."""

WORDS = ROWS // 64
"""Of 64 bits, in which a column is packed, least significant bit first."""

BLOCK_SYMBOLS = 2048
"""Eligible symbols of a block on average, at most: 140 to 230 of them are free.

Elimination costs the square of that for each bit, and smaller blocks lose more to their counts.
"""

LEAST_SYMBOLS = 768
"""A pass with fewer eligible symbols carries nothing: its block would say little but its count."""

SALT_SYMBOLS = 640
"""Eligible symbols of the salt; some 50 of them are free, so many bits are random."""

_SALT_BYTES = 16


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        number: within the picture, from 0.
        picks: (n,) its symbols, as indexes into the pass.
    """

    number: int
    picks: np.ndarray

    @property
    def count_bits(self) -> int:
        """Width of the field that says how many bits of the message the block says."""
        return count_bits(len(self.picks))


class Layout:
    """The salt and the blocks of one file, pass by pass."""

    def __init__(self, keys: Keys, scales: np.ndarray) -> None:
        """Begin a file.

        Args:
            keys: of the file.
            scales: σ of each row of the codec's Gaussian table.
        """
        self._keys, self._eligible_row = keys, eligible_row(scales)
        self._order = keys.stream("latents/exact/salt")
        self._digest = hashlib.blake2b(digest_size=_SALT_BYTES)
        self._missing, self._blocks = SALT_SYMBOLS, 0
        self._salted: Keys | None = None

    def split(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the symbols of the next pass that belong to the salt, and those that may carry.

        Args:
            rows: (n,) of the Gaussian table, of the symbols of the pass.

        Returns:
            Two arrays of indexes into the pass.
        """
        eligible = np.flatnonzero(rows >= self._eligible_row)
        if self._missing == 0:
            return eligible[:0], eligible
        numbers = self._order.integers(len(eligible))
        count = min(self._missing, len(eligible))
        smallest = np.argpartition(numbers, count - 1)[:count] if count else eligible[:0]
        own = smallest[np.argsort(numbers[smallest])]
        return eligible[own], np.delete(eligible, own)

    def add_salt(self, symbols: np.ndarray) -> None:
        """Take the symbols of the pass that belong to the salt, (n,), in their order."""
        self._digest.update(symbols.astype("<i4").tobytes())
        self._missing -= len(symbols)
        if self._missing == 0 and self._salted is None:
            self._salted = self._keys.salted(self._digest.digest())

    @property
    def salted(self) -> Keys:
        """The keys after the salt is complete."""
        assert self._salted is not None
        return self._salted

    def blocks(self, carrying: np.ndarray) -> list[Block]:
        """Return the blocks of a pass, in their order, after its salt was added.

        Args:
            carrying: what :meth:`split` returned, indexes into the pass.
        """
        if self._salted is None or len(carrying) < LEAST_SYMBOLS:
            return []
        count = blocks_for(len(carrying))
        stream = self.salted.stream(f"latents/exact/blocks/{self._blocks}")
        drawn = np.frombuffer(stream.take(4 * len(carrying)), dtype="<u4").astype(np.uint64)
        own = (drawn * np.uint64(count)) >> np.uint64(32)
        # The numbers of blocks are below 2^16 in a picture of 100 megapixels.
        order = np.argsort(own.astype(np.uint16), kind="stable")
        ends = np.cumsum(np.bincount(own.astype(np.int64), minlength=count))
        parts = np.split(carrying[order], ends[:-1])
        first, self._blocks = self._blocks, self._blocks + count
        return [Block(first + number, picks) for number, picks in enumerate(parts)]

    def columns(self, block: Block) -> np.ndarray:
        """Return the columns of the block's H, (n, ``WORDS``) uint64, one for each symbol."""
        stream = self.salted.stream(f"latents/exact/matrix/{block.number}")
        packed = np.frombuffer(stream.take(8 * WORDS * len(block.picks)), dtype="<u8")
        return packed.reshape(-1, WORDS)


def blocks_for(symbols: int) -> int:
    """Return the number of blocks of a pass with so many symbols that may carry."""
    return -(-symbols // BLOCK_SYMBOLS)


def count_bits(symbols: int) -> int:
    """Return the width of the count of a block of so many symbols: an eighth of them says most."""
    return (symbols // 8).bit_length()


def syndrome(columns: np.ndarray, parities: np.ndarray) -> np.ndarray:
    """Return H·p as bits (64·words,) uint8.

    Args:
        columns: (n, words) uint64, of H.
        parities: (n,) p, of 0 and 1.

    Example:
        >>> syndrome(np.array([[5], [3], [8]], dtype=np.uint64), np.array([1, 1, 0]))[:4]
        array([0, 1, 1, 0], dtype=uint8)
    """
    return bits_of(np.bitwise_xor.reduce(columns[parities == 1], axis=0))


def bits_of(words: np.ndarray) -> np.ndarray:
    """Return the bits (64·n,) uint8 of words (n,) uint64, least significant first."""
    return np.unpackbits(words.astype("<u8").view(np.uint8), bitorder="little")
