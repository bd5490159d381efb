"""Runs a benchmark's units on a Ray cluster; without one, on a Ray cluster of this machine.

```
 driver: units, photos ──► tasks ──► workers: latentink, and the packages of the user's methods
           ▲                             │ a worker dies: Ray runs its task again elsewhere
           └── outcomes ◄────────────────┘
```

Only the driver reads photos and writes results, so workers need neither, and a task that ran twice
is written once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any

import numpy as np

from latentink.benchmark.datasets import load_photo
from latentink.benchmark.engines import Take
from latentink.benchmark.extras import import_ray
from latentink.benchmark.units import Outcome, Unit, run_unit
from latentink.errors import LatentinkError, OptionError

_TASKS_A_WORKER = 2


@dataclass(frozen=True)
class RayEngine:
    """Tasks on a cluster, each on one torch thread.

    Attributes:
        address: of the cluster, as ``"auto"`` or ``"ray://host:10001"``; None starts one here
            (or joins the one that the environment variable RAY_ADDRESS names).
        workers: processors of a cluster started here; None takes all.
        cpus: processors that a task asks for.
        gpus: that a task asks for; parts of one, such as 0.25, let tasks share it.
        retries: how often a task is run again whose worker died.
    """

    address: str | None = None
    workers: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    retries: int = 3

    @property
    def description(self) -> str:
        """Ray and where."""
        return f"ray, {self.address or 'this machine'}"

    def run(self, units: Sequence[Unit], take: Take) -> None:
        """Run the units; the outcomes of a unit are given when it is finished.

        Raises:
            OptionError: Ray is missing, or the cluster cannot be reached or has not what a task
                asks for, or a unit's worker died at every try; the other units were finished.
        """
        ray = import_ray()
        started = not ray.is_initialized()
        if started:
            self._connect(ray)
        try:
            self._check_resources(ray.cluster_resources())
            lost = self._run_tasks(_Tasks(ray, self._task(ray), take), units)
        finally:
            if started:
                ray.shutdown()
        if lost:
            first = lost[0]
            raise OptionError(
                f"{len(lost)} of {len(units)} units were lost, as their workers died at every try, "
                f"first {', '.join(first.methods)} on {first.photo.name} of {first.dataset}; the "
                "other results are kept."
            )

    def _connect(self, ray: ModuleType) -> None:
        # Ray reports its use to its makers unless told otherwise.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray.init(
                address=self.address,
                num_cpus=self.workers if self.address is None else None,
                include_dashboard=False if self.address is None else None,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise OptionError(
                f"The Ray cluster {self.address or 'on this machine'} cannot be used: {error}; "
                "check --address, or take --engine local."
            ) from error

    def _check_resources(self, resources: dict[str, float]) -> None:
        for name, wanted in (("CPU", self.cpus), ("GPU", self.gpus)):
            if wanted > resources.get(name, 0):
                raise OptionError(
                    f"A task asks for {wanted:g} {name}, but the cluster has "
                    f"{resources.get(name, 0):g}; Ray would wait for ever, so ask for less."
                )

    def _task(self, ray: ModuleType) -> Any:
        """Return what Ray runs for a unit."""
        return ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=self.retries)(_work)

    def _run_tasks(self, tasks: _Tasks, units: Sequence[Unit]) -> list[Unit]:
        """Run a task for each unit and return the units whose workers died at every try."""
        remaining = iter(units)
        try:
            while True:
                # No more than keeps the workers busy: each holds its photo in memory.
                busy = _TASKS_A_WORKER * self._slots(tasks.ray.cluster_resources())
                for unit in islice(remaining, max(0, busy - len(tasks))):
                    tasks.start(unit)
                if not len(tasks):
                    return tasks.lost
                tasks.collect_next()
        except BaseException:
            tasks.cancel()
            raise

    def _slots(self, resources: dict[str, float]) -> int:
        """Return how many tasks run at a time."""
        places = [
            resources.get(name, 0) / wanted
            for name, wanted in (("CPU", self.cpus), ("GPU", self.gpus))
            if wanted > 0
        ]
        return max(1, int(min(places, default=1)))


class _Tasks:
    """Tasks that were started and not collected yet.

    Attributes:
        ray: the package.
        lost: units whose workers died at every try.
    """

    def __init__(self, ray: ModuleType, task: Any, take: Take) -> None:
        self.ray = ray
        self.lost: list[Unit] = []
        self._task = task
        self._take = take
        self._waiting: dict[Any, Unit] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self, unit: Unit) -> None:
        """Start the task of a unit."""
        cover = load_photo(unit.photo, unit.crop)
        self._waiting[self._task.remote(unit, cover)] = unit

    def collect_next(self) -> None:
        """Wait for one task and give its outcomes.

        Raises:
            LatentinkError: the task's own error.
        """
        for reference in self.ray.wait(list(self._waiting), num_returns=1)[0]:
            self._collect(reference)

    def cancel(self) -> None:
        """Give the outcomes of the tasks that are finished, and end the others."""
        tasks = list(self._waiting)
        if not tasks:
            return
        finished, running = self.ray.wait(tasks, num_returns=len(tasks), timeout=0)
        for reference in running:
            self.ray.cancel(reference, force=True)
        for reference in finished:
            self._collect(reference)

    def _collect(self, reference: Any) -> None:
        try:
            outcomes = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            del self._waiting[reference]
            if isinstance(error.cause, LatentinkError):
                raise error.cause from None
            raise
        except self.ray.exceptions.RayError:
            self.lost.append(self._waiting.pop(reference))
        else:
            for outcome in outcomes:
                self._take(outcome)
            del self._waiting[reference]


def _work(unit: Unit, cover: np.ndarray) -> list[Outcome]:
    """Return the outcomes of a unit; what a Ray worker runs."""
    import torch

    torch.set_num_threads(1)
    # What Ray hands over cannot be written to, and torch warns of such arrays.
    return list(run_unit(unit, cover.copy()))
