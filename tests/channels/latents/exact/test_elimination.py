"""Equations over the field of two elements are solved where they can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from latentink.channels.latents.exact.elimination import eliminate, packed_rows


def dense(rows: np.ndarray) -> np.ndarray:
    """Unpack (r, w) uint64 to (r, 64·w) of 0 and 1."""
    return np.unpackbits(rows.astype("<u8").view(np.uint8), axis=-1, bitorder="little")


def rank_of(matrix: np.ndarray) -> int:
    """Return the number of rows before the first that the rows before it add up to."""
    basis: list[int] = []
    for number, row in enumerate(matrix):
        value = int("".join(map(str, row)), 2)
        for other in basis:
            value = min(value, value ^ other)
        if value == 0:
            return number
        basis.append(value)
    return len(matrix)


@given(st.integers(1, 3), st.integers(1, 90), st.integers(1, 130), st.integers(0, 2**32))
def test_solutions_solve_and_ranks_are_right(blocks, rows, columns, seed):
    rng = np.random.default_rng(seed)
    # Sparse rows, so that some depend on others.
    bits = (rng.random((blocks, rows, columns)) < rng.choice([0.02, 0.5])).astype(np.uint8)
    words = -(-columns // 64)
    padded = np.zeros((blocks, rows, 64 * words), dtype=np.uint8)
    padded[..., :columns] = bits
    matrices = np.packbits(padded, axis=-1, bitorder="little").view("<u8").transpose(1, 0, 2)
    before = matrices.copy()
    eliminated = eliminate(matrices)
    assert np.array_equal(matrices, before)
    assert eliminated.ranks.tolist() == [rank_of(own) for own in bits]
    lengths = rng.integers(0, eliminated.ranks + 1)
    sides = rng.integers(0, 2, (rows, blocks)).astype(bool)
    found = dense(eliminated.solve(sides, lengths))
    for number, length in enumerate(lengths):
        product = padded[number].astype(int) @ found[number] % 2
        assert np.array_equal(product[:length], sides[:length, number])


@given(arrays(np.uint64, st.tuples(st.integers(1, 70), st.just(2))), st.integers(1, 128))
def test_rows_of_columns(columns, rows):
    assert np.array_equal(
        dense(packed_rows(columns, rows))[:, : len(columns)], dense(columns)[:, :rows].T
    )


def test_solutions_are_linear_in_the_side():
    """The proof needs it: the sender's change is a fixed linear function of what is to be said."""
    rng = np.random.default_rng(1)
    matrices = rng.integers(0, 2**63, (40, 1, 2), dtype=np.uint64)
    eliminated = eliminate(matrices)
    lengths = eliminated.ranks
    one, other = rng.integers(0, 2, (2, 40, 1)).astype(bool)
    both = eliminated.solve(one ^ other, lengths)
    apart = eliminated.solve(one, lengths) ^ eliminated.solve(other, lengths)
    assert np.array_equal(both, apart)


@pytest.mark.parametrize("blocks", [1, 40])
def test_blocks_are_solved_alone(blocks):
    rng = np.random.default_rng(2)
    matrices = rng.integers(0, 2**63, (200, blocks, 4), dtype=np.uint64)
    sides = rng.integers(0, 2, (200, blocks)).astype(bool)
    together = eliminate(matrices)
    alone = eliminate(matrices[:, -1:])
    assert together.ranks[-1] == alone.ranks[0]
    found = together.solve(sides, together.ranks)[-1]
    assert np.array_equal(found, alone.solve(sides[:, -1:], alone.ranks)[0])
