"""The editor: what it changes, when it stops, and that tiles, seeds and budgets hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from latentink.codecs.entropy_model import STRIDE
from latentink.editing.editor import run_schedule, temperature_at
from latentink.editing.presets import BALANCED
from latentink.editing.tiles import tiles_of
from latentink.geometry import Rectangle
from latentink.picture import to_picture, to_tensor
from latentink.relaxations.registry import RELAXATIONS


def accuracy(codec, task, latents):
    picture = to_picture(codec.synthesise(latents.values, task.quality_code, task.cover.shape[-2:]))
    logits = task.decoder.planes(to_tensor(picture), len(task.wanted))[0]
    window = task.window
    rows = slice(window.top // 4, window.bottom // 4)
    columns = slice(window.left // 4, window.right // 4)
    return float(((logits[:, rows, columns] > 0) == (task.wanted > 0)).float().mean())


def test_editing_makes_the_bits_readable(hyperprior, task_on, run):
    task = task_on(64, 96)
    plain = hyperprior.quantise(task.v, task.z, task.quality_code)
    edited, seen = run(task)
    assert accuracy(hyperprior, task, plain) < 0.56
    assert accuracy(hyperprior, task, edited.latents) > 0.7
    assert [progress.step for progress in seen] == list(range(1, len(seen) + 1))


def test_networks_are_not_touched(hyperprior, task_on, run):
    before = {name: value.clone() for name, value in hyperprior.g_s.state_dict().items()}
    run(task_on(64, 64), steps=3)
    for name, value in hyperprior.g_s.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in hyperprior.g_s.parameters())


def test_only_the_window_changes(hyperprior, task_on, run):
    window = Rectangle(0, 64, 64, 128)
    task = task_on(64, 144, window=window)
    edited, _ = run(task)
    plain = hyperprior.quantise(task.v, task.z, task.quality_code)
    changed = (edited.latents.y != plain.y).any(axis=0)
    inside = window.coarsened(STRIDE)
    assert changed[inside.rows, inside.columns].any()
    changed[inside.rows, inside.columns] = False
    assert not changed.any()
    assert accuracy(hyperprior, task, edited.latents) > 0.7


def test_tiles_give_the_gradient_of_the_whole(hyperprior, task_on, run, monkeypatch):
    """One step over small tiles is the step over the window at once."""
    task = task_on(128, 96)
    whole, _ = run(task, steps=4, rate_relaxation="straight_through")
    monkeypatch.setattr("latentink.editing.tiles.TILE_LATENTS", 4)
    assert len(tiles_of(task.window, hyperprior.synthesis_halo, task.v.shape[-2:])) == 4
    tiled, _ = run(task, steps=4, rate_relaxation="straight_through")
    # bfloat16 sums in another order: a few symbols on the edge of rounding may differ.
    assert float((whole.latents.y != tiled.latents.y).mean()) < 0.01


def test_a_photo_that_never_delivers_ends_with_none(task_on, run):
    edited, seen = run(task_on(64, 64), steps=4, carried=False)
    assert edited is None
    assert len(seen) == 4 + (BALANCED.rounds - 1) * 2


def test_the_weight_rises_while_information_is_missing(task_on, run):
    _, seen = run(task_on(64, 64, information=0.9), steps=8)
    weights = [progress.weight for progress in seen]
    assert weights == sorted(weights)
    assert weights[-1] > 1.3 * BALANCED.weights["accuracy"]


def test_a_budget_of_seconds_ends_the_schedule(task_on, run, monkeypatch):
    """On a clock that goes on by a second with each look at it."""
    clock = SimpleNamespace(monotonic=count().__next__)
    monkeypatch.setattr("latentink.editing.editor.time", clock)
    _, seen = run(task_on(64, 64), steps=100_000, seconds=8.0)
    assert len(seen) == 7


def test_same_seed_same_symbols(task_on, run):
    task = task_on(64, 64)
    first, _ = run(task, steps=5)
    second, _ = run(task, steps=5)
    np.testing.assert_array_equal(first.latents.y, second.latents.y)


def test_one_schedule_is_the_first_of_an_edit_and_needs_no_receiver(hyperprior, task_on, run):
    task, seen = task_on(64, 64), []
    edited, expected = run(task, steps=5)
    alone = run_schedule(hyperprior, task, BALANCED, seed=0, steps=5, on_step=seen.append)
    assert seen == expected
    assert alone.steps == 5
    assert alone.weight == edited.weight
    np.testing.assert_array_equal(alone.latents.y, edited.latents.y)


def test_one_schedule_does_not_end_early_when_it_settles(hyperprior, task_on, run):
    """Steps of length 0 leave L where it is, so that an edit ends at the second check."""
    task = task_on(64, 64)
    still = {
        "learning_rate": 0.0,
        "accuracy_gain": 0.0,
        "rate_relaxation": "straight_through",
    }
    assert run(task, steps=30, **still)[0].steps == 20
    preset = replace(BALANCED, **still)
    assert run_schedule(hyperprior, task, preset, seed=0, steps=30).steps == 30


def test_lbfgs_lowers_the_objective(task_on, run):
    _, seen = run(
        task_on(64, 64), steps=6, optimiser="lbfgs", learning_rate=1.0,
        final_learning_rate=1.0, rate_relaxation="soft_rounding",
        synthesis_relaxation="soft_rounding", accuracy_gain=0.0,
    )  # fmt: skip
    # The first three steps have one temperature, and the line search a third of L to take off.
    assert seen[2].objective < 0.9 * seen[0].objective


@pytest.mark.parametrize("relaxation", RELAXATIONS)
def test_every_relaxation_serves_both_terms(task_on, run, relaxation):
    edited, seen = run(
        task_on(64, 64), steps=20, learning_rate=5e-2, synthesis_relaxation=relaxation,
        rate_relaxation=relaxation, accuracy_gain=0.0,
    )  # fmt: skip
    assert seen[-1].terms["accuracy"] < 0.99 * seen[0].terms["accuracy"]
    assert edited is not None


def test_the_editor_takes_a_new_relaxation_with_its_temperature(task_on, run, monkeypatch):
    temperatures = []

    def register(temperature, noise):
        temperatures.append(temperature)
        return lambda symbols: symbols + (symbols.floor() - symbols).detach()

    monkeypatch.setitem(RELAXATIONS, "down", register)
    task = task_on(64, 64)
    _, seen = run(task, steps=3, synthesis_relaxation="down")
    _, nearest = run(task, steps=3)
    assert temperatures == [temperature_at(step / 3) for step in range(3)]
    assert seen[0].terms["distortion"] > nearest[0].terms["distortion"]


def test_temperatures_fall_to_near_rounding():
    shares = [temperature_at(share / 20) for share in range(21)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 0.5
    assert shares[-1] < 0.05
