"""How long a run will still take."""

from __future__ import annotations

import time

import pytest

from latentink.benchmark.progress import Progress
from latentink.benchmark.store import Refusal
from latentink.benchmark.units import Outcome


def test_the_time_left_is_each_methods_mean_over_the_workers() -> None:
    progress = Progress(total={"a": 10, "b": 5, "c": 5}, done={"a": 2, "b": 4, "c": 5})
    assert progress.all_seconds_left() is None
    for method, spent in (("a", 2.0), ("a", 4.0), ("b", 6.0)):
        progress.count(Outcome(Refusal(method, "d", "p", 0, ""), spent))
    # 12 seconds of work in 6 of the clock: two workers.
    progress.started = time.monotonic() - 6
    assert progress.seconds_left("a") == pytest.approx(6 * 3 / 2, rel=0.01)
    assert progress.seconds_left("b") == progress.seconds_left("c") == 0
    assert progress.all_seconds_left() == pytest.approx(9, rel=0.01)
