"""Pieces of NumPy work, shared among threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from latentink.blas_threads import share_among_threads


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_piece_is_worked_on_once(threads: int) -> None:
    counts = np.zeros(100, dtype=int)

    def count(piece: int) -> None:
        counts[piece] += 1

    with threadpool_limits(threads, "blas"):
        share_among_threads(count, range(100))
    assert (counts == 1).all()


def test_the_matrix_library_works_alone_inside() -> None:
    blas = ThreadpoolController().select(user_api="blas")
    barrier, seen = threading.Barrier(2), []

    def look(piece: int) -> None:
        barrier.wait(10)  # Two threads are here at once.
        seen.extend(library["num_threads"] for library in blas.info())

    with threadpool_limits(2, "blas"):
        share_among_threads(look, [0, 1])
        assert {library["num_threads"] for library in blas.info()} == {2}
    assert set(seen) == {1}


def test_what_a_piece_raises_is_raised() -> None:
    with threadpool_limits(2, "blas"), pytest.raises(ZeroDivisionError):
        share_among_threads(lambda piece: 1 // piece, [1, 0, 2])
