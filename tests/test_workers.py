"""The pool of workers: order, threads, dead workers and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from latentink.errors import OptionError
from latentink.workers import WorkerPool, available_cores

WORK = """
import os
import signal
import time

def slept(seconds):
    time.sleep(seconds)
    return seconds


def share(item):
    return os.environ["OMP_NUM_THREADS"]


def torch_threads(item):
    import torch

    return torch.get_num_threads()


def interrupted(item):
    os.kill(os.getpid(), signal.SIGINT)
    return item


def killed(item):
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(item):
    raise ValueError(f"not {item}")
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A module that the workers can import too."""
    (tmp_path / "work_of_workers.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("work_of_workers")
    sys.modules.pop("work_of_workers")


def test_results_come_in_the_order_of_the_items(work) -> None:
    counted = []
    results = WorkerPool(2).map(work.slept, [0.5, 0.0, 0.1], lambda: counted.append(1))
    assert results == [0.5, 0.0, 0.1]
    assert len(counted) == 3


def test_results_are_taken_as_they_come(work) -> None:
    taken: list[float] = []
    WorkerPool(2).for_each(work.slept, [1.0, 0.0], taken.append)
    assert taken == [0.0, 1.0]


def test_without_items_no_process_is_started(work) -> None:
    assert WorkerPool(2).map(work.killed, []) == []


def test_workers_have_their_share_of_threads(work) -> None:
    assert WorkerPool(1, threads=3).map(work.share, [0]) == ["3"]
    assert WorkerPool(1).map(work.torch_threads, [0]) == [1]


def test_a_killed_worker_is_a_sentence(work) -> None:
    with pytest.raises(OptionError, match=r"worker process was killed.*fewer jobs"):
        WorkerPool(2).map(work.killed, [0, 1])


def test_what_the_work_raises_is_raised_here_and_ends_the_workers(work) -> None:
    before = set(active_children())
    with pytest.raises(ValueError, match="not 7"):
        WorkerPool(1).map(work.refuse, [7, 8])
    assert set(active_children()) == before


def test_an_interrupt_ends_the_workers_and_keeps_what_is_finished(work) -> None:
    before = set(active_children())
    taken: list[float] = []

    def press() -> None:
        while not taken:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        WorkerPool(2).for_each(work.slept, [0.0, 600.0], taken.append)
    presser.join()
    assert time.monotonic() - started < 300
    assert taken == [0.0]
    assert set(active_children()) == before


def test_what_is_finished_is_taken_when_taking_is_interrupted(work) -> None:
    taken: list[float] = []

    def take(result: float) -> None:
        taken.append(result)
        if len(taken) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        WorkerPool(1).for_each(work.slept, [0.0, 600.0], take)
    assert taken == [0.0, 0.0]


def test_workers_leave_an_interrupt_to_their_parent(work) -> None:
    assert WorkerPool(1).map(work.interrupted, [5]) == [5]


def test_there_is_a_core() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
