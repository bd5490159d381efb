"""The terms of Eq. 1: one registered in one line is in the gradient, the report and the stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

from latentink.editing.objective import TERMS, CriticTerm, Term, load_critics, weighed_terms
from latentink.editing.presets import BALANCED, PAPER
from latentink.errors import OptionError
from latentink.steganalysis.network_detector import NetworkDetector

LOOKS = {"perceptual": 16.0, "adversarial": 1.0, "variation": 1 / 244}


def brightness(stego: Tensor) -> Tensor:
    return stego.sum()


@pytest.fixture
def with_brightness(monkeypatch):
    monkeypatch.setitem(TERMS, "brightness", Term(lambda view: brightness(view.stego)))
    return {**BALANCED.weights, "brightness": 500.0}


def test_a_new_term_is_in_the_gradient_and_in_the_report(task_on, run, with_brightness):
    task = task_on(64, 64)
    still = {"steps": 20, "learning_rate": 5e-2, "accuracy_gain": 0.0}
    without, plain = run(task, **still)
    edited, seen = run(task, weights=with_brightness, **still)
    assert plain[0].terms["brightness"] == 0
    assert seen[0].terms["brightness"] == pytest.approx(500 * float(task.cover.sum()), rel=0.05)
    assert seen[-1].terms["brightness"] < 0.98 * seen[0].terms["brightness"]
    assert (edited.latents.y != without.latents.y).any()
    extra = seen[0].terms["brightness"]
    assert seen[0].objective == pytest.approx(plain[0].objective + extra, rel=1e-6)


def test_a_new_term_decides_when_to_stop(task_on, run, monkeypatch):
    """Beside a large constant what L still falls is little, so that the editor is done at once."""
    monkeypatch.setitem(TERMS, "constant", Term(lambda view: 1e9 + 0 * view.stego.sum()))
    task = task_on(64, 64)
    without, _ = run(task, steps=40, learning_rate=5e-2)
    edited, _ = run(task, steps=40, learning_rate=5e-2, weights={**BALANCED.weights, "constant": 1})
    assert without.steps > edited.steps == 20


def test_a_term_without_weight_is_not_computed(task_on, run, monkeypatch):
    def never(*arguments):
        raise AssertionError

    monkeypatch.setitem(TERMS, "never", Term(never))
    monkeypatch.setitem(TERMS, "nobody", CriticTerm(never, never))
    weights = {**BALANCED.weights, "never": 0.0, "nobody": 0.0}
    run(task_on(64, 64), steps=1, weights=weights)
    run(task_on(64, 64), steps=1)


def test_networks_are_loaded_only_for_the_terms_that_weigh_something(hyperprior):
    assert load_critics(BALANCED.weights, hyperprior) == {}
    assert list(load_critics(PAPER.weights, hyperprior)) == ["perceptual", "adversarial"]
    assert list(load_critics(LOOKS | {"perceptual": 0}, hyperprior)) == ["adversarial"]


def test_a_detector_to_evade_needs_a_weight(hyperprior):
    with pytest.raises(OptionError, match="weight for evasion"):
        load_critics({"accuracy": 15.0}, hyperprior, Path("detector.safetensors"))


def test_terms_whose_network_is_missing_are_off():
    assert list(weighed_terms(PAPER.weights, {})) == [
        "rate", "distortion", "variation", "accuracy",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def critics(hyperprior):
    return load_critics(LOOKS, hyperprior)


def test_every_term_is_reported(task_on, run, critics):
    detector = NetworkDetector("xunet").network
    task = task_on(64, 64, critics={**critics, "evasion": detector})
    _, seen = run(task, steps=2, weights={**BALANCED.weights, **LOOKS})
    for progress in seen:
        assert list(progress.terms) == list(TERMS)
        assert all(value > 0 for value in progress.terms.values())
        assert progress.bits == progress.terms["rate"]


@pytest.mark.parametrize("off", LOOKS)
def test_a_term_switched_off_is_zero_and_the_others_stay(task_on, run, critics, off):
    task, weights = task_on(64, 64, critics=critics), {**BALANCED.weights, **LOOKS}
    _, whole = run(task, steps=1, weights=weights)
    _, less = run(task, steps=1, weights=weights | {off: 0.0})
    expected = whole[0].terms | {off: 0.0}
    assert less[0].terms == pytest.approx(expected, rel=0.02)


def test_tiles_have_the_variation_of_the_whole(task_on, run, monkeypatch):
    task, weights = task_on(128, 96), {**BALANCED.weights, "variation": 1.0}
    _, whole = run(task, steps=1, weights=weights)
    monkeypatch.setattr("latentink.editing.tiles.TILE_LATENTS", 4)
    _, tiled = run(task, steps=1, weights=weights)
    # bfloat16 sums in another order, which total variation collects over all pixels.
    assert tiled[0].terms["variation"] == pytest.approx(whole[0].terms["variation"], rel=1e-3)


def test_a_preset_with_a_misspelt_term_is_refused():
    with pytest.raises(
        OptionError, match=r"no term of the objective 'percptual'; choose from rate"
    ):
        replace(BALANCED, weights={"percptual": 16.0})


def test_rate_and_distortion_weigh_one_unless_a_preset_says_otherwise():
    assert weighed_terms({}, {}) == {"rate": 1.0, "distortion": 1.0}
    assert weighed_terms({"rate": 0.0, "distortion": 2.0}, {}) == {"distortion": 2.0}
