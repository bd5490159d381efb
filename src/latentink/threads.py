"""Share the pieces of a tensor operation among threads, each of which works alone.

PyTorch's own threads meet after each operation. Where the operations are small and another program
keeps a core busy, they spend their time waiting for each other: a product of 1,024 × 96 by 96 × 96
took 14 ms instead of 0.1 ms. Here each thread takes the next piece and does all operations on it
without further threads, so that a slow thread takes fewer pieces and nobody waits for it before
the last one.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import torch
from torch import Tensor


def run_in_threads(work: Callable[..., None], pieces: Iterable[tuple[Tensor, ...]]) -> None:
    """Call ``work(*piece)`` once for each of ``pieces``, on as many threads as PyTorch may use.

    Args:
        work: writes its result into one of its arguments; it runs without autograd, several calls
            at a time, in any order.
        pieces: the arguments of each call; no two calls may write to the same memory.

    Raises:
        Exception: what ``work`` raises; pieces not begun by then may be left out.
    """
    waiting = deque(pieces)
    threads = torch.get_num_threads()
    if threads == 1:
        _take_all(work, waiting)
        return
    running = [
        _pool(threads, os.getpid()).submit(_take_all, work, waiting)
        for _ in range(min(threads, len(waiting)))
    ]
    for future in running:
        future.result()


def _take_all(work: Callable[..., None], waiting: deque[tuple[Tensor, ...]]) -> None:
    with torch.no_grad():
        while True:
            try:
                piece = waiting.popleft()
            except IndexError:
                return
            work(*piece)


@lru_cache(maxsize=1)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Return the pool of this process; one that is forked has no threads and makes its own."""
    started = threading.Barrier(threads + 1)

    def begin() -> None:
        # PyTorch gives a thread the number set last, at the first use of it: first use, then set.
        torch.get_num_threads()
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(threads, "latentink", initializer=begin)
    for _ in range(threads):
        pool.submit(int)
    started.wait()
    # The number set last holds for all threads that start later.
    torch.set_num_threads(threads)
    return pool
