"""Learning rates over a run."""

from __future__ import annotations

import pytest

from latentink.training.codec import CodecRecipe
from latentink.training.recipes import Recipe


def test_most_runs_rise_and_fall_as_a_cosine() -> None:
    schedule = Recipe(steps=1000).schedule()
    factors = [schedule.factor(step) for step in range(1000)]
    assert factors[0] < 0.05
    assert factors[30] == pytest.approx(1)
    assert factors[515] == pytest.approx(0.5, abs=1e-3)
    assert factors[-1] < 1e-4


def test_a_codec_has_a_plateau_and_a_linear_cool_down() -> None:
    schedule = CodecRecipe(steps=100, warm_up=10, cool_down=20).schedule()
    factors = [schedule.factor(step) for step in range(100)]
    assert schedule.plateau_end == 80
    assert factors[0] == pytest.approx(0.1)
    assert factors[10:81] == [1.0] * 71
    assert factors[99] == pytest.approx(0.05)


def test_a_run_of_one_step_is_at_the_peak() -> None:
    assert Recipe(steps=1).schedule().factor(0) == 1
    assert CodecRecipe(steps=1, warm_up=0, cool_down=0).schedule().factor(0) == 1
