"""Engines run a benchmark's units: in this process, in several, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from latentink.benchmark.datasets import load_photo
from latentink.benchmark.units import Outcome, Unit, run_unit
from latentink.errors import OptionError
from latentink.workers import WorkerPool

Take = Callable[[Outcome], None]
"""Receives outcomes one by one, in the process that started the run."""


class Engine(Protocol):
    """Runs units."""

    @property
    def description(self) -> str:
        """What it runs on, for the record."""

    def run(self, units: Sequence[Unit], take: Take) -> None:
        """Run the units, in any order, and give each outcome to ``take`` as it comes.

        Before an interrupt or an error leaves it, it gives what was finished until then.

        Raises:
            LatentinkError: a photo or weights cannot be read, or workers die.
        """


def local_engine(jobs: int) -> Engine:
    """Return an engine on this machine, with one thread in each of ``jobs`` processes.

    Raises:
        OptionError: ``jobs`` is below 1.
    """
    if jobs < 1:
        raise OptionError(f"{jobs} processes cannot do anything; choose 1 or more.")
    return InProcess() if jobs == 1 else Processes(jobs)


@dataclass(frozen=True)
class InProcess:
    """Runs the units here, one after the other, on one torch thread."""

    description = "1 process"

    def run(self, units: Sequence[Unit], take: Take) -> None:
        """Run the units; each outcome is given before the next method begins."""
        with _one_thread():
            for unit in units:
                for outcome in run_unit(unit, load_photo(unit.photo, unit.crop)):
                    take(outcome)


@dataclass(frozen=True)
class Processes:
    """Runs the units in processes of this machine, each with one thread.

    Attributes:
        jobs: processes at most.
    """

    jobs: int

    @property
    def description(self) -> str:
        """The number of processes."""
        return f"{self.jobs} processes"

    def run(self, units: Sequence[Unit], take: Take) -> None:
        """Run the units; the outcomes of a unit are given when it is finished.

        Raises:
            OptionError: a process was killed.
        """

        def take_all(outcomes: list[Outcome]) -> None:
            for outcome in outcomes:
                take(outcome)

        WorkerPool(self.jobs).for_each(_outcomes, units, take_all)


def _outcomes(unit: Unit) -> list[Outcome]:
    return list(run_unit(unit, load_photo(unit.photo, unit.crop)))


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
