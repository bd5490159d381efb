"""Share the pieces of NumPy work among threads, each of which multiplies matrices alone.

The threads of a matrix library meet after each product, and where another program keeps a core
busy, they spend their time waiting for each other. Here each thread takes the next piece and does
all of it, as :mod:`.threads` has it for PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Piece = TypeVar("Piece")


def share_among_threads(work: Callable[[Piece], None], pieces: Sequence[Piece]) -> None:
    """Call ``work`` once with each of ``pieces``, on as many threads as the matrix library has.

    Args:
        work: writes its result where no other piece's goes; several calls run at a time.
        pieces: its arguments.

    Raises:
        Exception: what ``work`` raises.

    Example:
        >>> import numpy as np
        >>> squares = np.zeros(3)
        >>> def square(index: int) -> None:
        ...     squares[index] = index * index
        >>> share_among_threads(square, [0, 1, 2])
        >>> squares
        array([0., 1., 4.])
    """
    libraries = ThreadpoolController().select(user_api="blas")
    threads = max((library["num_threads"] for library in libraries.info()), default=1)
    if min(threads, len(pieces)) < 2:
        for piece in pieces:
            work(piece)
        return
    with libraries.limit(limits=1), ThreadPoolExecutor(threads, "latentink") as pool:
        for done in [pool.submit(work, piece) for piece in pieces]:
            done.result()
