"""Which symbols make the salt and which a block, and each block's matrix: both ends compute them.

The first eligible symbols carry nothing: what the coins made of them is the salt of the file, from
which all that follows is drawn anew, so that nothing repeats between two files of a photo. The
other eligible symbols of a pass fall into blocks by keyed numbers, so that all blocks are alike. A
block has a column of ``ROWS`` random bits for each of its symbols; those columns are its matrix H,
and the XOR of the columns of its odd symbols is what it says.

How many symbols are needed follows from how many of them should be free, which both ends tell from
their scales (``codecs.coins.EXPECTED``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from latentink.codecs.eligibility import expected_free
from latentink.payload.keys import Keys

ROWS = 256
"""Rows of H: a block says at most so many bits."""

WORDS = ROWS // 64
"""Of 64 bits, in which a column is packed, least significant bit first."""

SALT_FREE, BLOCK_FREE, LEAST_FREE = 7000, 19_000, 6000
"""Hundredths of free symbols expected: in the salt, in a block at most, in a pass at least.

A pass with fewer carries nothing, since its block might have too few to say its count. Elimination
costs the square of a block's for each bit, and smaller blocks lose more to their counts.
"""

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


class Layout:
    """The salt and the blocks of one file, pass by pass."""

    def __init__(self, keys: Keys, scales: np.ndarray) -> None:
        """Begin a file.

        Args:
            keys: of the file.
            scales: σ of each row of the codec's Gaussian table.
        """
        self._keys, self._expected = keys, expected_free(scales)
        self._order = keys.stream("latents/exact/salt")
        self._digest = hashlib.blake2b(digest_size=_SALT_BYTES)
        self._missing, self._blocks = SALT_FREE, 0
        self._salted: Keys | None = None

    def split(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the symbols of the next pass that belong to the salt, and those that may carry.

        Args:
            rows: (n,) of the Gaussian table, of the symbols of the pass.

        Returns:
            Two arrays of indexes into the pass.
        """
        expected = self._expected[rows]
        eligible = np.flatnonzero(expected)
        numbers = self._order.integers(len(eligible))
        # None is expected to be free less than once in a hundred times.
        most = min(self._missing, len(eligible))
        first = np.argpartition(numbers, most - 1)[:most] if most else eligible[:0]
        first = first[np.argsort(numbers[first])]
        reached = np.cumsum(expected[eligible[first]])
        own = first[: np.searchsorted(reached, self._missing) + 1]
        return eligible[own], np.delete(eligible, own)

    def add_salt(self, symbols: np.ndarray, rows: np.ndarray) -> None:
        """Take the symbols of the pass that belong to the salt, (n,), in their order.

        Args:
            symbols: that were written.
            rows: (n,) their rows of the Gaussian table.
        """
        self._digest.update(symbols.astype("<i4").tobytes())
        self._missing = max(0, self._missing - int(self._expected[rows].sum()))
        if self._missing == 0 and self._salted is None:
            self._salted = self._keys.salted(self._digest.digest())

    @property
    def salted(self) -> Keys:
        """The keys after the salt is complete."""
        assert self._salted is not None
        return self._salted

    def blocks(self, carrying: np.ndarray, rows: np.ndarray) -> list[Block]:
        """Return the blocks of a pass, in their order, after its salt was added.

        Args:
            carrying: what :meth:`split` returned, indexes into the pass.
            rows: as for :meth:`split`.
        """
        count = blocks_for(int(self._expected[rows[carrying]].sum()))
        if self._salted is None or count == 0:
            return []
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


def blocks_for(expected: int) -> int:
    """Return the number of blocks of a pass, given hundredths of free symbols that may carry."""
    return 0 if expected < LEAST_FREE else -(-expected // BLOCK_FREE)


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
