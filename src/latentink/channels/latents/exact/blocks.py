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
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from latentink.codecs.eligibility import expected_free
from latentink.codecs.rows import counts_of_rows, of_rows
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
# Symbols whose keyed numbers stay in a processor's cache.
_AT_A_TIME = 2**15


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
        eligible = np.flatnonzero(of_rows(self._expected > 0, rows))
        first = eligible[self._first(len(eligible))]
        reached = np.cumsum(self._expected[rows[first]])
        own = first[: np.searchsorted(reached, self._missing) + 1]
        carrying = np.ones(len(eligible), dtype=bool)
        carrying[np.searchsorted(eligible, own)] = False
        return own, eligible[carrying]

    def _first(self, eligible: int) -> np.ndarray:
        """Return the first of so many symbols by their keyed numbers, enough for the salt."""
        # None is expected to be free less than once in a hundred times.
        most = min(self._missing, eligible)
        if most == 0:
            return np.zeros(0, dtype=np.int64)
        # Twice as many are below this, and some more: fewer than wanted all but never are.
        below = min(1.0, (2 * most + 100) / eligible)
        limit = np.uint64(min(2**64 - 1, int(below * 2**64)))
        places, numbers = [], []
        for begin in range(0, eligible, _AT_A_TIME):
            drawn = self._order.integers(min(_AT_A_TIME, eligible - begin))
            near = np.flatnonzero(drawn <= limit)
            places.append(begin + near)
            numbers.append(drawn[near])
        return np.concatenate(places)[np.argsort(np.concatenate(numbers), kind="stable")[:most]]

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

    def blocks(self, carrying: np.ndarray, rows: np.ndarray) -> Iterator[Block]:
        """Yield the blocks of a pass, in their order, after its salt was added.

        A receiver that needs the first blocks alone spares the work for the others.

        Args:
            carrying: what :meth:`split` returned, indexes into the pass.
            rows: as for :meth:`split`.
        """
        count = blocks_for(
            int(counts_of_rows(rows[carrying], len(self._expected)) @ self._expected)
        )
        if self._salted is None or count == 0:
            return iter(())
        stream = self.salted.stream(f"latents/exact/blocks/{self._blocks}")
        first, self._blocks = self._blocks, self._blocks + count
        # The numbers of blocks are below 2^16 in a picture of 100 megapixels.
        own = np.empty(len(carrying), dtype=np.uint16)
        for begin in range(0, len(own), _AT_A_TIME):
            part = own[begin : begin + _AT_A_TIME]
            drawn = np.frombuffer(stream.take(4 * len(part)), dtype="<u4").astype(np.uint64)
            part[:] = (drawn * np.uint64(count)) >> np.uint64(32)
        return _in_blocks(carrying, own, count, first)

    def columns(self, block: Block) -> np.ndarray:
        """Return the columns of the block's H, (n, ``WORDS``) uint64, one for each symbol."""
        stream = self.salted.stream(f"latents/exact/matrix/{block.number}")
        packed = np.frombuffer(stream.take(8 * WORDS * len(block.picks)), dtype="<u8")
        return packed.reshape(-1, WORDS)


def _in_blocks(carrying: np.ndarray, own: np.ndarray, count: int, first: int) -> Iterator[Block]:
    """Yield the blocks 0 … count − 1 that ``own`` names, as ``first`` … first + count − 1.

    Those are found together that are next, each time more of them.
    """
    begin, together = 0, 1
    while begin < count:
        end = min(begin + together, count)
        places = np.flatnonzero((own >= begin) & (own < end))
        numbers = own[places] - np.uint16(begin)
        order = np.argsort(numbers, kind="stable")
        ends = np.cumsum(np.bincount(numbers, minlength=end - begin))
        for number, picks in enumerate(np.split(carrying[places[order]], ends[:-1]), begin):
            yield Block(first + number, picks)
        begin, together = end, 8 * together


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
