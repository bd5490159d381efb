"""Linear equations over the field of two elements, of many blocks at once.

Each block has its own matrix A of r rows. Gaussian elimination goes row by row and ends at the
first that depends on those before it, so that the first ``rank`` rows can be given any right-hand
side. It keeps the multipliers where it made zeros, as in an LU decomposition, so that right-hand
sides may come later: how many bits a block can say is known only after its elimination.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Words of all rows at once that fit into a processor's cache.
_CACHED_WORDS = 2**15
_NONE, _ONE = np.uint64(0), np.uint64(1)
_ALL = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class Eliminated:
    """Matrices after elimination.

    Attributes:
        rows: (r, B, w) uint64, the unknowns packed in words, least significant bit first: in each
            row the multipliers in the columns of earlier pivots, and what elimination left.
        words: (r, B) the word of each row's pivot.
        bits: (r, B) uint64, the pivot's bit in that word.
        ranks: (B,) how many rows there are before the first that depends on others.
    """

    rows: np.ndarray
    words: np.ndarray
    bits: np.ndarray
    ranks: np.ndarray

    def solve(self, sides: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return x (B, w) packed, with A·x = side in the first ``lengths`` rows of each block.

        x is a linear function of the side and 0 outside of the pivots' columns.

        Args:
            sides: (r, B) of 0 and 1.
            lengths: (B,) not above the ranks.
        """
        count = int(lengths.max(initial=0))
        which = np.arange(self.rows.shape[1])
        middle = np.zeros(self.rows.shape[1:], dtype=np.uint64)  # y of L·y = side
        for row in range(count):
            value = (_parities(self.rows[row] & middle) ^ sides[row]) & (row < lengths)
            middle[which, self.words[row]] |= np.where(value, self.bits[row], _NONE)
        found = np.zeros_like(middle)  # x of U·x = y
        for row in range(count - 1, -1, -1):
            known = middle[which, self.words[row]] & self.bits[row] != 0
            value = (_parities(self.rows[row] & found) ^ known) & (row < lengths)
            found[which, self.words[row]] |= np.where(value, self.bits[row], _NONE)
        return found


def eliminate(matrices: np.ndarray) -> Eliminated:
    """Eliminate in each of B matrices.

    Args:
        matrices: (r, B, w) uint64, a row's unknowns packed in w words; it is left as it is.

    Example:
        The rows x₀ + x₁ and x₁ are independent, and the third is their sum:

        >>> matrices = np.array([3, 2, 1], dtype=np.uint64).reshape(3, 1, 1)
        >>> eliminated = eliminate(matrices)
        >>> eliminated.ranks
        array([2])
        >>> eliminated.solve(np.array([[0], [1], [0]]), eliminated.ranks)  # x₀ = x₁ = 1
        array([[3]], dtype=uint64)
    """
    count, blocks, width = matrices.shape
    step = max(1, _CACHED_WORDS // (count * width))
    parts = [
        _eliminated(matrices[:, first : first + step].copy()) for first in range(0, blocks, step)
    ]
    return Eliminated(
        np.concatenate([part.rows for part in parts], axis=1),
        np.concatenate([part.words for part in parts], axis=1),
        np.concatenate([part.bits for part in parts], axis=1),
        np.concatenate([part.ranks for part in parts]),
    )


def packed_rows(columns: np.ndarray, rows: int) -> np.ndarray:
    """Return the rows of a matrix that is given by its columns.

    Args:
        columns: (n, words) uint64, a column in each line.
        rows: how many of the first rows.

    Returns:
        (rows, ⌈n/64⌉) uint64.
    """
    bits = np.unpackbits(columns.astype("<u8").view(np.uint8), axis=1, bitorder="little")
    across = np.zeros((rows, -(-len(columns) // 64) * 64), dtype=np.uint8)
    across[:, : len(columns)] = bits[:, :rows].T
    return np.packbits(across, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _eliminated(rows: np.ndarray) -> Eliminated:
    """Eliminate in place."""
    count, blocks, width = rows.shape
    which = np.arange(blocks)
    words = np.zeros((count, blocks), dtype=np.int64)
    bits = np.zeros((count, blocks), dtype=np.uint64)
    ranks = np.zeros(blocks, dtype=np.int64)
    unused = np.full((blocks, width), _ALL)
    alive = np.ones(blocks, dtype=bool)
    scratch = np.empty_like(rows)
    for number in range(count):
        left = rows[number] & unused
        word = (left != 0).argmax(axis=1)
        chosen = left[which, word]
        bit = chosen & (~chosen + _ONE)
        alive &= bit != 0
        if not alive.any():
            break
        bit[~alive] = _NONE
        words[number], bits[number] = word, bit
        ranks[alive] = number + 1
        unused[which, word] &= ~bit
        below, product = rows[number + 1 :], scratch[number + 1 :]
        marked = below[:, which, word] & bit != 0
        # The pivot's own bit stays where it is and is the multiplier.
        np.multiply(left & unused, marked[..., None], out=product)
        below ^= product
    return Eliminated(rows, words, bits, ranks)


def _parities(words: np.ndarray) -> np.ndarray:
    """Return the parity (B,) bool of the bits in words (B, w)."""
    folded = np.bitwise_xor.reduce(words, axis=1)
    for shift in (32, 16, 8, 4, 2, 1):
        folded = folded ^ (folded >> np.uint64(shift))
    return folded & _ONE != 0
