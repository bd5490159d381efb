"""Training LISO's optimiser with its decoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from latentink.bundled import bundled
from latentink.errors import WeightsError
from latentink.message_decoders.decoder_file import load_decoder
from latentink.methods.liso_network import load_liso
from latentink.methods.saving import Jpeg, Png
from latentink.training.liso import LisoRecipe, LisoTask, sequence_loss
from latentink.training.photos import Photos
from latentink.training.recipes import read_recipe
from latentink.training.trainer import Trainer

RECIPES = Path(sequence_loss.__code__.co_filename).parent / "recipes"


def started(pool: Photos, **recipe: object) -> LisoTask:
    return LisoTask(LisoRecipe(**recipe), pool, pool)


def test_the_optimiser_learns_to_make_a_decoder_read(trainer_of: Callable[..., Trainer]) -> None:
    trainer = trainer_of(
        "liso",
        start="decoder_dense_d1",
        hidden=8,
        steps=60,
        crop=24,
        learning_rate=3e-3,
        image_weight=1.0,
    )
    accuracies = [trainer.advance()["accuracy"] for _ in range(60)]
    assert accuracies[0] < 0.65
    assert np.mean(accuracies[-5:]) > 0.8


def test_the_critic_is_taught_bounded_and_reaches_the_network(
    trainer_of: Callable[..., Trainer],
) -> None:
    trainers = [trainer_of("liso", iterations=1, image_weight=0, critic_weight=w) for w in (1e3, 0)]
    for trainer in trainers:
        trainer.advance()
    with_critic, without = (trainer.task for trainer in trainers)
    both = zip(with_critic.network.parameters(), without.network.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in both)
    both = zip(with_critic.critic.parameters(), without.critic.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in both)
    assert max(float(p.detach().abs().max()) for p in with_critic.critic.parameters()) < 0.1001


def test_later_steps_weigh_more_in_the_loss() -> None:
    cover, bits = torch.zeros(1, 3, 2, 2), torch.ones(1, 1, 2, 2)
    sure, unsure = torch.full((1, 1, 2, 2), 50.0), torch.zeros(1, 1, 2, 2)
    grey = torch.full((1, 3, 2, 2), 0.1)
    late = sequence_loss([(cover, sure), (cover, unsure)], cover, bits, 0.5, 1.0)
    early = sequence_loss([(cover, unsure), (cover, sure)], cover, bits, 0.5, 1.0)
    assert float(late) == pytest.approx(np.log(2) / 1.5)
    assert float(early) == pytest.approx(np.log(2) * 0.5 / 1.5)
    image = sequence_loss([(grey, sure)], cover, bits, 0.5, 100.0)
    assert float(image) == pytest.approx(1.0)


def test_training_goes_on_from_a_bundled_decoder_and_from_liso_itself(
    pool: Photos,
    recipe_of: Callable[..., Path],
    train: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dense = load_decoder(bundled("decoder_dense_d1"))
    network = started(pool, start="decoder_dense_d1").network
    assert torch.equal(network.decoder.conv4[0].weight, dense.conv4[0].weight)
    with pytest.raises(WeightsError, match="other sizes"):
        started(pool, start="decoder_dense_d2")
    with pytest.raises(WeightsError, match="There is no file"):
        started(pool, start="nothing")

    train("liso", recipe_of("liso"), tmp_path / "mine.safetensors")
    monkeypatch.setattr("latentink.bundled.FOLDER", tmp_path)
    mine = started(pool, start="mine", hidden=4, saving="jpeg").network
    assert mine.training
    assert all(p.requires_grad for p in mine.parameters())
    theirs = load_liso(tmp_path / "mine.safetensors")
    assert torch.equal(mine.update.gates.weight, theirs.update.gates.weight)


def test_the_decoder_keeps_its_statistics_in_training(trainer_of: Callable[..., Trainer]) -> None:
    trainer = trainer_of("liso")
    network = trainer.task.network
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    trainer.advance()
    trainer.task.measure()
    assert network.training
    assert all(torch.equal(b, before[name]) for name, b in network.named_buffers())


def test_weights_say_what_they_are_for(
    recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    recipe = recipe_of("liso", saving="jpeg", quality=70)
    design = load_liso(train("liso", recipe, tmp_path / "liso.safetensors")).design
    assert (design.hidden, design.iterations) == (4, 2)
    assert design.saving == Jpeg(70, "4:2:0")
    for path in RECIPES.glob("liso*.toml"):
        assert read_recipe(path, LisoRecipe).design() == load_liso(bundled(path.stem)).design
    assert LisoRecipe(saving="png").design().saving == Png()
