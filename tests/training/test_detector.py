"""Training networks that detect, and fitting any detector that learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from latentink.errors import OptionError
from latentink.steganalysis.detector import Evidence, LearningDetector
from latentink.steganalysis.network_detector import NetworkDetector, load_detector, save_detector
from latentink.steganalysis.registry import make_detector
from latentink.tensor_files import read_safetensors
from latentink.training.detector import (
    OPTIMISERS,
    DetectorRecipe,
    detection_loss,
    fit_detector,
    measure_detector,
    must_learn,
)
from latentink.training.picture_pairs import PicturePairs, split_pairs
from latentink.training.trainer import Trainer
from photos import astronaut


def with_noise(cover: np.ndarray, seed: int, grain: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-grain, grain + 1, cover.shape)
    return np.clip(cover + noise, 0, 255).astype(np.uint8)


def noisy(seed: int, side: int = 64) -> tuple[Evidence, Evidence]:
    cover = astronaut(37 * seed % 400, 11 * seed % 400, side, side)
    return Evidence(b"", cover), Evidence(b"", with_noise(cover, seed, 12))


def test_xunet_learns_noise_on_pairs(
    pairs: PicturePairs, trainer_of: Callable[..., Trainer]
) -> None:
    stegos = [with_noise(cover, seed, 6) for seed, cover in enumerate(pairs.covers)]
    data = PicturePairs(pairs.covers, stegos)
    trainer = trainer_of("detector", data, steps=40, batch=4, learning_rate=1e-2)
    accuracies = [float(trainer.advance()["accuracy"]) for _ in range(40)]
    assert np.mean(accuracies[-10:]) > 0.85
    before = measure_detector(NetworkDetector("xunet"), data)
    after = measure_detector(NetworkDetector("xunet", trainer.task.network), data)
    assert after["auc"] > max(0.95, before["auc"])
    assert after["p_e"] < 0.1


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_lowers_the_loss(
    optimiser: str, pairs: PicturePairs, trainer_of: Callable[..., Trainer]
) -> None:
    rate = {"sgd": 1e-2, "adadelta": 1.0, "adamax": 5e-3, "adamw": 5e-3}[optimiser]
    data = pairs.chosen([0, 1])
    trainer = trainer_of(
        "detector", data, optimiser=optimiser, learning_rate=rate, steps=30, batch=2
    )
    losses = [float(trainer.advance()["loss"]) for _ in range(30)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.01


def test_the_contrastive_loss_counts_for_siastegnet_alone(pairs: PicturePairs) -> None:
    crops = pairs.crops(1, 64, torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1])
    for name, counts in (("xunet", False), ("siastegnet", True)):
        network = NetworkDetector(name).network
        recipes = [DetectorRecipe(network=name, contrastive_weight=w) for w in (1.0, 0.0)]
        with_it, without = (detection_loss(network, crops, labels, r)[0] for r in recipes)
        assert (with_it.item() > without.item()) is counts


def test_a_detector_ships_with_what_it_does_on_held_out_pairs(
    recipe_of: Callable[..., Path],
    train: Callable[..., Path],
    pairs: PicturePairs,
    tmp_path: Path,
) -> None:
    out = train("detector", recipe_of("detector"), tmp_path / "detector.safetensors")
    _, notes = read_safetensors(out)
    assert (notes["network"], notes["steps"]) == ("xunet", "4")
    assert notes["recipe"] == "detector.toml"
    _, held_out = split_pairs(pairs, 0.5, 1)
    assert notes["held_out_pairs"] == str(len(held_out))
    for name, value in measure_detector(load_detector(out), held_out).items():
        assert float(notes[f"held_out_{name}"]) == pytest.approx(value, abs=1e-5)


def test_pictures_smaller_than_the_crop_are_a_sentence(trainer_of: Callable[..., Trainer]) -> None:
    with pytest.raises(OptionError, match="crops of 100 pixels, a picture has a side of 80"):
        trainer_of("detector", crop=100)


@pytest.mark.parametrize(
    "recipe",
    [
        DetectorRecipe(network="xunet", steps=25, batch=4, learning_rate=1e-2),
        DetectorRecipe(network="siastegnet", steps=12, batch=2, learning_rate=5e-3),
    ],
    ids=lambda recipe: recipe.network,
)
def test_a_fitted_network_tells_coarse_noise_on_new_photos(recipe: DetectorRecipe) -> None:
    detector = NetworkDetector(recipe.network)
    covers, stegos = zip(*(noisy(seed) for seed in range(8)), strict=True)
    before = torch.get_rng_state()
    fit_detector(detector, covers, stegos, 5, recipe)
    assert torch.equal(torch.get_rng_state(), before)
    assert not detector.network.training
    assert detector.threshold == 0
    new = [noisy(seed) for seed in range(20, 32)]
    assert np.mean([detector.score(stego) > detector.score(cover) for cover, stego in new]) > 0.9


def test_the_same_examples_and_seed_give_the_same_detector() -> None:
    recipe = DetectorRecipe(network="xunet", steps=2, batch=2)
    covers, stegos = zip(*(noisy(seed) for seed in range(3)), strict=True)
    scores = []
    for seed in (5, 5, 6):
        detector = NetworkDetector("xunet")
        fit_detector(detector, covers, stegos, seed, recipe)
        scores.append(detector.score(covers[0]))
    assert scores[0] == scores[1] != scores[2]


def test_other_detectors_are_fitted_by_their_own_means() -> None:
    class Fitted(LearningDetector):
        def score(self, evidence: Evidence) -> float:
            return 0

        def fit(self, *given: object) -> None:
            self.given = given

    detector, (cover, stego) = Fitted(), noisy(1)
    fit_detector(detector, [cover], [stego], 3)
    assert detector.given == ([cover], [stego], 3)


def test_what_has_to_learn_is_known(tmp_path: Path) -> None:
    path = tmp_path / "detector.safetensors"
    save_detector(NetworkDetector("xunet"), path, {})
    learns = {name: must_learn(make_detector(name)) for name in ("stegexpose", "spam", "yenet")}
    assert learns == {"stegexpose": False, "spam": True, "yenet": True}
    assert not must_learn(make_detector(str(path)))


def test_what_cannot_be_learnt_from_is_a_sentence() -> None:
    detector, (cover, stego) = NetworkDetector("xunet"), noisy(1)
    small = Evidence(b"", astronaut(0, 0, 63, 80))
    with pytest.raises(OptionError, match="too small"):
        fit_detector(detector, [cover, small], [stego, small], 0)
    with pytest.raises(OptionError, match="two pairs"):
        fit_detector(detector, [cover], [stego], 0)
    with pytest.raises(OptionError, match="seed is -1"):
        fit_detector(detector, [cover, cover], [stego, stego], -1)
    with pytest.raises(OptionError, match="recipe is for yenet"):
        fit_detector(detector, [cover], [stego], 0, DetectorRecipe(network="yenet"))
