"""The trainer of detectors learns, resumes exactly, and says what is wrong with its input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from latentink.errors import OptionError, WeightsError
from latentink.methods.lsb import LsbMatching
from latentink.methods.method import random_bits
from latentink.methods.saving import eight_bits
from latentink.steganalysis.network_detector import NETWORKS, NetworkDetector, load_detector
from latentink.tensor_files import read_safetensors
from latentink.training import detector as training
from latentink.training.checkpoints import checkpoint_path, resumable
from latentink.training.decoder import step_generator
from latentink.training.detector import (
    Figures,
    Pairs,
    Recipe,
    Trainer,
    detection_loss,
    evaluate,
    read_detector_recipe,
    shipped_recipe,
    split_pairs,
    train_detector,
)
from latentink.training.logs import log_path
from photos import astronaut

TINY = """
network = "siastegnet"
steps = 3
batch = 1
crop = 64
checkpoint_seconds = 0
held_out = 0.5
"""


def matched(cover: np.ndarray, seed: int) -> np.ndarray:
    method = LsbMatching(3)
    bits = random_bits(method.bits_shape(cover), seed)
    return eight_bits(method.embed(cover, bits, seed).picture)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    covers = [
        astronaut(top, left, 96, 80 + top // 8) for top in (0, 128, 256) for left in (0, 160, 320)
    ]
    return Pairs(covers, [matched(cover, i) for i, cover in enumerate(covers)])


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


# ------------------------------------------------------------------------------------ pairs


def test_cover_and_stego_are_cut_flipped_and_turned_alike(pairs: Pairs) -> None:
    crops = pairs.crops(9, 64, step_generator(1, 0))
    assert crops.shape == (18, 3, 64, 64)
    covers, stegos = (crops * 255).round().chunk(2)
    differences = (covers - stegos).abs()
    assert float(differences.max()) == 1
    # Half of the lowest bits are right already.
    assert 0.45 < float(differences.mean()) < 0.55


def test_crops_come_from_everywhere_and_in_all_eight_positions() -> None:
    ramp = np.zeros((70, 70, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(70)[:, None], np.arange(70)
    pairs = Pairs([ramp], [ramp])
    corners, seen = set(), set()
    for step in range(150):
        crop = (pairs.crops(1, 64, step_generator(1, step))[0] * 255).round()
        corners.add((float(crop[0].min()), float(crop[1].min())))
        rows = crop[:2].diff(dim=1)[:, 0, 0].tolist()
        columns = crop[:2].diff(dim=2)[:, 0, 0].tolist()
        seen.add((*rows, *columns))
    assert len(seen) == 8
    assert len(corners) > 40
    assert {edge for corner in corners for edge in corner} == set(range(7))


def test_no_pair_comes_twice_while_there_are_others(pairs: Pairs) -> None:
    flat = [np.full((64, 64, 3), i, np.uint8) for i in range(4)]
    crops = Pairs(flat, flat).crops(6, 64, step_generator(1, 0)) * 255
    drawn = crops[:6, 0, 0, 0].round().tolist()
    assert sorted(drawn[:4]) == [0, 1, 2, 3]
    assert len(set(drawn[4:])) == 2


def test_held_out_pairs_are_others_than_those_of_training(pairs: Pairs) -> None:
    kept, held_out = split_pairs(pairs, 0.3, 1)
    assert (len(kept), len(held_out)) == (6, 3)
    ids = {id(cover) for cover in kept.covers} | {id(cover) for cover in held_out.covers}
    assert len(ids) == 9
    assert [len(part) for part in split_pairs(pairs, 0.0, 1)] == [8, 1]
    assert [len(part) for part in split_pairs(pairs.chosen([0, 1]), 0.9, 1)] == [1, 1]
    again = split_pairs(pairs, 0.3, 1)[1]
    assert all(a is b for a, b in zip(again.covers, held_out.covers, strict=True))


# --------------------------------------------------------------------------------- learning


def test_xunet_learns_noise_on_pairs(pairs: Pairs) -> None:
    generator = np.random.default_rng(1)
    grain = [generator.integers(-6, 7, cover.shape) for cover in pairs.covers]
    stegos = [
        np.clip(cover + g, 0, 255).astype(np.uint8)
        for cover, g in zip(pairs.covers, grain, strict=True)
    ]
    noisy = Pairs(pairs.covers, stegos)
    recipe = Recipe(network="xunet", steps=40, batch=4, crop=64, learning_rate=1e-2)
    trainer = Trainer(recipe, noisy)
    figures = [trainer.advance() for _ in range(recipe.steps)]
    assert np.mean([f.accuracy for f in figures[:3]]) < 0.75
    assert np.mean([f.accuracy for f in figures[-10:]]) > 0.85
    detector = NetworkDetector("xunet")
    before = evaluate(detector, noisy)
    detector.network = trainer.network.eval()
    after = evaluate(detector, noisy)
    assert after.auc > max(0.95, before.auc)
    assert after.error < 0.1


@pytest.mark.parametrize("optimiser", training.CHOICES["optimiser"])
def test_every_optimiser_lowers_the_loss(optimiser: str, pairs: Pairs) -> None:
    rate = {"sgd": 1e-2, "adadelta": 1.0, "adamax": 5e-3, "adamw": 5e-3}[optimiser]
    recipe = Recipe(optimiser=optimiser, learning_rate=rate, steps=30, batch=2, crop=64)
    trainer = Trainer(recipe, pairs.chosen([0, 1]))
    losses = [trainer.advance().loss for _ in range(30)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.01


def test_the_contrastive_loss_counts_for_siastegnet_alone(pairs: Pairs) -> None:
    crops = pairs.crops(1, 64, step_generator(1, 0))
    labels = torch.tensor([0, 1])
    for name, counts in (("xunet", False), ("siastegnet", True)):
        network = NetworkDetector(name).network
        with_it, without = (
            detection_loss(network, crops, labels, Recipe(network=name, contrastive_weight=w))[0]
            for w in (1.0, 0.0)
        )
        assert (with_it.item() > without.item()) is counts


def test_making_and_advancing_a_trainer_leaves_the_global_generator_alone(pairs: Pairs) -> None:
    before = torch.get_rng_state()
    Trainer(Recipe(network="siastegnet", batch=1, crop=64), pairs).advance()
    assert torch.equal(torch.get_rng_state(), before)


# -------------------------------------------------------------------------------------- run


def test_a_run_exports_a_detector_with_its_log_and_measurement(
    recipe: Path, pairs: Pairs, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "detector.safetensors"
    recipe.write_text(TINY.replace("siastegnet", "xunet"))
    assert train_detector(recipe, pairs.covers, pairs.stegos, out, resume=False) == out
    log = log_path(out).read_text().splitlines()
    assert log[0] == "step,loss,accuracy,seconds"
    assert [row.split(",")[0] for row in log[1:]] == ["1", "2", "3"]
    _, metadata = read_safetensors(out)
    assert (metadata["network"], metadata["steps"]) == ("xunet", "3")
    assert metadata["recipe"] == "tiny.toml"
    _, held_out = split_pairs(pairs, 0.5, 1)
    assert metadata["held_out_pairs"] == str(len(held_out))
    measured = evaluate(load_detector(out), held_out)
    assert float(metadata["held_out_auc"]) == pytest.approx(measured.auc, abs=1e-5)
    assert float(metadata["held_out_p_e"]) == pytest.approx(measured.error, abs=1e-5)
    assert float(metadata["held_out_accuracy"]) == pytest.approx(measured.accuracy, abs=1e-5)


def test_an_interrupted_run_resumes_to_the_same_weights(
    recipe: Path, pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train_detector(recipe, pairs.covers, pairs.stegos, whole, resume=False)
    advance = Trainer.advance

    def interrupted(self: Trainer) -> Figures:
        if self.step == 2:
            raise KeyboardInterrupt
        return advance(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_detector(recipe, pairs.covers, pairs.stegos, parts, resume=False)
    assert not parts.exists()
    assert resumable(checkpoint_path(parts), set())["step"] == 2
    train_detector(recipe, pairs.covers, pairs.stegos, parts, resume=True)
    mine, theirs = load_file(parts), load_file(whole)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_resuming_with_another_recipe_or_nothing_is_refused(
    recipe: Path, pairs: Pairs, tmp_path: Path
) -> None:
    out = tmp_path / "x.safetensors"
    recipe.write_text(TINY.replace("siastegnet", "xunet"))
    with pytest.raises(WeightsError, match="no checkpoint"):
        train_detector(recipe, pairs.covers, pairs.stegos, out, resume=True)
    train_detector(recipe, pairs.covers, pairs.stegos, out, resume=False)
    recipe.write_text(TINY.replace("siastegnet", "xunet").replace("batch = 1", "batch = 2"))
    with pytest.raises(OptionError, match="batch = 1"):
        train_detector(recipe, pairs.covers, pairs.stegos, out, resume=True)


def test_pairs_that_do_not_serve_are_sentences(recipe: Path, pairs: Pairs, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    with pytest.raises(OptionError, match="two pairs"):
        train_detector(recipe, pairs.covers[:1], pairs.stegos[:1], out, resume=False)
    with pytest.raises(OptionError, match="9 covers and 8 stegos"):
        train_detector(recipe, pairs.covers, pairs.stegos[:8], out, resume=False)
    recipe.write_text(TINY.replace("crop = 64", "crop = 100"))
    with pytest.raises(OptionError, match="crops of 100 pixels, a picture has a side of 80"):
        train_detector(recipe, pairs.covers, pairs.stegos, out, resume=False)


# ----------------------------------------------------------------------------------- recipe


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stepz = 3", "unknown key 'stepz'"),
        ('network = "srnet"', "network = 'srnet'"),
        ('optimiser = "lion"', "optimiser = 'lion'"),
        ("crop = 63", "crop = 63"),
        ("batch = 0", "batch = 0"),
        ("held_out = 1", "held_out = 1"),
        ("contrastive_weight = -1", "contrastive_weight"),
        ("steps = 1.5", "type int"),
    ],
)
def test_a_wrong_recipe_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(OptionError, match=sentence):
        read_detector_recipe(path)


@pytest.mark.parametrize("network", NETWORKS)
def test_each_network_has_a_recipe(network: str) -> None:
    assert shipped_recipe(network).network == network
