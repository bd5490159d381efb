"""The one pool of worker processes: work on many items, with a sentence where a worker dies.

Ctrl-C belongs to the process that started the workers. It ends them at once, after what they have
finished was handed over. Workers also end when that process is killed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from typing import Any, TypeVar

from latentink.errors import OptionError
from latentink.interrupts import interrupts_held

T = TypeVar("T")
R = TypeVar("R")

# Read by OpenMP, MKL and OpenBLAS when they are loaded.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def available_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class WorkerPool:
    """Processes that work on items; started anew for each call.

    Functions and items travel to the workers by pickle, and results travel back so.

    Attributes:
        processes: at most; there are never more than items.
        threads: that numerical libraries use in each.
    """

    processes: int
    threads: int = 1

    def map(
        self,
        work: Callable[[T], R],
        items: Sequence[T],
        on_result: Callable[[], None] = lambda: None,
    ) -> list[R]:
        """Return ``work(item)`` for each item, in the order of the items.

        Args:
            work: a function of a module.
            items: what to work on.
            on_result: called after each result, as they come.

        Raises:
            OptionError: a worker was killed.
            Exception: whatever ``work`` raises.
        """
        results: dict[int, R] = {}

        def take(numbered: tuple[int, R]) -> None:
            index, result = numbered
            results[index] = result
            on_result()

        self.for_each(partial(_numbered, work), list(enumerate(items)), take)
        return [results[index] for index in range(len(items))]

    def for_each(
        self, work: Callable[[T], R], items: Sequence[T], take: Callable[[R], None]
    ) -> None:
        """Call ``take(work(item))`` for each item, in the order in which results come.

        When interrupted or failing, it ends the workers and first hands over what they have
        finished. If ``take`` was interrupted, it is called again with the
        same result.

        Args:
            work: a function of a module; runs in the workers.
            items: what to work on.
            take: receives a result; runs in this process.

        Raises:
            OptionError: a worker was killed.
            Exception: whatever ``work`` or ``take`` raises.
        """
        if not items:
            return
        others = set(active_children())
        pool = ProcessPoolExecutor(
            min(self.processes, len(items)),
            get_context("spawn"),  # Forking a process whose libraries run threads may deadlock.
            partial(_start_worker, self.threads),
        )
        pending: set[Future[R]] = set()

        def hand_over(future: Future[R]) -> None:
            take(future.result())
            pending.discard(future)

        try:
            with interrupts_held():
                pending.update(pool.submit(work, item) for item in items)
            for future in as_completed(frozenset(pending)):
                hand_over(future)
        except BaseException as error:
            for child in set(active_children()) - others:
                child.terminate()
            for future in [one for one in pending if _succeeded(one)]:
                hand_over(future)
            if isinstance(error, BrokenProcessPool):
                raise OptionError(
                    "A worker process was killed, perhaps because memory ran out; use fewer jobs."
                ) from None
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _numbered(work: Callable[[T], R], item: tuple[int, T]) -> tuple[int, R]:
    return item[0], work(item[1])


def _succeeded(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _start_worker(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    if torch := sys.modules.get("torch"):  # Loaded with the main module, it has read them already.
        torch.set_num_threads(threads)


def _end_with_the_parent() -> None:
    """End this process when its parent is killed, which an executor's workers do not notice."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
