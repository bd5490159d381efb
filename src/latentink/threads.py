"""Share the pieces of a tensor operation among threads, each of which works alone.

PyTorch's own threads meet after each operation. Where the operations are small and another program
keeps a core busy, they spend their time waiting for each other: a product of 1,024 × 96 by 96 × 96
took 14 ms instead of 0.1 ms. Here each thread takes the next piece and does all operations on it
without further threads, so that a slow thread takes fewer pieces and nobody waits for it before
the last one. Around it, :func:`working_alone` keeps single operations from sharing.

Denormals, numbers below 2⁻¹²⁶, are flushed to zero meanwhile: smooth photos make many of them, each
of which takes a processor a hundred times as long as another number, and no result shows them.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import torch

# How many threads run_in_threads uses within working_alone; None elsewhere.
_SHARING: ContextVar[int | None] = ContextVar("threads that share pieces", default=None)


@contextmanager
def working_alone() -> Iterator[None]:
    """Run PyTorch's operations of this thread alone; :func:`run_in_threads` uses all threads.

    Example:
        >>> with working_alone():
        ...     torch.get_num_threads()
        1
    """
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    token = _SHARING.set(threads)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        _SHARING.reset(token)


def run_in_threads(work: Callable[..., None], pieces: Iterable[tuple[Any, ...]]) -> None:
    """Call ``work(*piece)`` once for each of ``pieces``, on as many threads as PyTorch may use.

    Args:
        work: writes its result into one of its arguments; it runs without autograd, several calls
            at a time, in any order.
        pieces: the arguments of each call; no two calls may write to the same memory.

    Raises:
        Exception: what ``work`` raises; pieces not begun by then may be left out.
    """
    waiting = deque(pieces)
    threads = _SHARING.get() or torch.get_num_threads()
    if threads == 1:
        _take_all(work, waiting)
        return
    running = [
        _pool(threads, os.getpid()).submit(_take_all, work, waiting)
        for _ in range(min(threads, len(waiting)))
    ]
    for future in running:
        future.result()


def _take_all(work: Callable[..., None], waiting: deque[tuple[Any, ...]]) -> None:
    with torch.no_grad(), _denormals_flushed():
        while True:
            try:
                piece = waiting.popleft()
            except IndexError:
                return
            work(*piece)


@contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Flush denormals in this thread, which may be the caller's own, or may do so already."""
    flushed = bool(torch.tensor(1e-40) * 1 == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed)


@lru_cache(maxsize=1)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Return the pool of this process; one that is forked has no threads and makes its own."""
    started, before = threading.Barrier(threads + 1), torch.get_num_threads()

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
    torch.set_num_threads(before)
    return pool
