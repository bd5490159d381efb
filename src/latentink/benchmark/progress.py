"""How far a benchmark is, and how long it will still take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from latentink.benchmark.units import Outcome


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        total: results wanted, by method, including those from before the run.
        done: results that are there, by method.
        spent: the workers' time in this run in seconds, by method.
        worked: results of this run, by method.
        started: when the run started, as time.monotonic() counts.
    """

    total: dict[str, int]
    done: dict[str, int]
    spent: dict[str, float] = field(default_factory=dict)
    worked: dict[str, int] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def count(self, outcome: Outcome) -> None:
        """Count an outcome."""
        method = outcome.result.method
        self.done[method] += 1
        self.worked[method] = self.worked.get(method, 0) + 1
        self.spent[method] = self.spent.get(method, 0.0) + outcome.spent

    def seconds_left(self, method: str) -> float | None:
        """Return how much of the time left is a method's; None before its first result.

        Its mean time so far for each missing result, divided by the number of workers: the sum of
        all workers' time over the time that has passed.
        """
        missing = self.total[method] - self.done[method]
        if missing <= 0:
            return 0.0
        everything = sum(self.spent.values())
        if method not in self.worked or everything <= 0:
            return None
        elapsed = time.monotonic() - self.started
        return self.spent[method] / self.worked[method] * missing * elapsed / everything

    def all_seconds_left(self) -> float | None:
        """Return the time left; None while a method that lacks results has none in this run."""
        left = [self.seconds_left(method) for method in self.total]
        known = [seconds for seconds in left if seconds is not None]
        return sum(known) if len(known) == len(left) else None
