"""LISO's trainer learns, resumes exactly, and says what is wrong with a recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

from latentink.bundled import bundled
from latentink.cli.main import app
from latentink.errors import OptionError, WeightsError
from latentink.methods.liso_network import LisoNetwork, load_liso
from latentink.methods.saving import Jpeg, Png
from latentink.picture import list_photos
from latentink.training import liso as training
from latentink.training.checkpoints import checkpoint_path, resumable
from latentink.training.liso import (
    Critic,
    Recipe,
    Trainer,
    design_of,
    evaluate,
    read_liso_recipe,
    rise,
    sequence_loss,
    started,
    train_liso,
)
from latentink.training.logs import log_path
from latentink.training.photos import Photos
from photos import astronaut

RECIPES = Path(training.__file__).parent / "recipes"

TINY = """
hidden = 4
iterations = 2
steps = 4
batch = 2
crop = 16
checkpoint_seconds = 0
critic_weight = 0.1
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for top in (0, 200):
        Image.fromarray(astronaut(top, 100, 96, 96)).save(folder / f"{top}.png")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_the_command_exports_weights_with_their_log(
    recipe: Path, photos: Path, tmp_path: Path
) -> None:
    recipe.write_text(TINY + 'saving = "jpeg"\nquality = 70\n')
    out = tmp_path / "new" / "liso.safetensors"
    command = ["train", "liso", "--recipe", str(recipe), "--photos", str(photos), "-o", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    design = load_liso(out).design
    assert (design.hidden, design.iterations) == (4, 2)
    assert design.saving == Jpeg(70, "4:2:0")
    log = log_path(out).read_text().splitlines()
    assert log[0] == "step,loss,accuracy,psnr,seconds"
    assert [row.split(",")[0] for row in log[1:]] == ["1", "2", "3", "4"]


def test_an_interrupted_run_resumes_to_the_same_weights(
    recipe: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train_liso(recipe, photos, whole, resume=False)
    advance = Trainer.advance

    def interrupted(self: Trainer) -> training.Figures:
        if self.step == 2:
            raise KeyboardInterrupt
        return advance(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_liso(recipe, photos, parts, resume=False)
    assert not parts.exists()
    assert resumable(checkpoint_path(parts), set())["step"] == 2
    train_liso(recipe, photos, parts, resume=True)
    mine, theirs = load_file(parts), load_file(whole)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_resuming_with_another_recipe_or_nothing_is_refused(
    recipe: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match="no checkpoint"):
        train_liso(recipe, photos, out, resume=True)
    train_liso(recipe, photos, out, resume=False)
    recipe.write_text(TINY.replace("batch = 2", "batch = 1"))
    with pytest.raises(OptionError, match="batch = 2"):
        train_liso(recipe, photos, out, resume=True)


def test_the_optimiser_learns_to_make_a_decoder_read(photos: Path) -> None:
    recipe = Recipe(
        start="decoder_dense_d1",
        hidden=8,
        iterations=2,
        steps=60,
        batch=2,
        crop=24,
        learning_rate=3e-3,
        image_weight=1.0,
    )
    trainer = Trainer(recipe, Photos(list_photos(photos)))
    figures = [trainer.advance() for _ in range(recipe.steps)]
    assert figures[0].accuracy < 0.65
    assert np.mean([f.accuracy for f in figures[-5:]]) > 0.8


def test_making_a_trainer_leaves_the_global_generator_alone(photos: Path) -> None:
    before = torch.get_rng_state()
    Trainer(Recipe(hidden=4, crop=16), Photos(list_photos(photos))).advance()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_critic_tells_pictures_apart_and_reaches_the_network(photos: Path) -> None:
    recipe = Recipe(hidden=4, iterations=1, batch=2, crop=16, image_weight=0, critic_weight=1e3)
    with_critic = Trainer(recipe, Photos(list_photos(photos)))
    without = Trainer(
        Recipe(hidden=4, iterations=1, batch=2, crop=16, image_weight=0),
        Photos(list_photos(photos)),
    )
    for trainer in (with_critic, without):
        trainer.advance()
    pairs = zip(with_critic.network.parameters(), without.network.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)
    assert max(float(p.detach().abs().max()) for p in with_critic.critic.parameters()) < 0.1001

    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = Critic(8)
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-2)
    smooth = torch.from_numpy(astronaut(0, 100, 32, 32)).permute(2, 0, 1)[None].float() / 255
    noise = torch.randn(smooth.shape, generator=torch.Generator().manual_seed(0))
    rough = (smooth + 0.2 * noise).clamp(0, 1)
    for _ in range(10):
        optimiser.zero_grad()
        (critic(smooth) - critic(rough)).backward()
        optimiser.step()
        critic.clip()
    assert float(critic(rough) - critic(smooth)) > 0.02


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
    recipe: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latentink.message_decoders.decoder_file import load_decoder

    network = started(Recipe(start="decoder_dense_d1"))
    dense = load_decoder(bundled("decoder_dense_d1"))
    assert torch.equal(network.decoder.conv4[0].weight, dense.conv4[0].weight)
    with pytest.raises(WeightsError, match="other sizes"):
        started(Recipe(start="decoder_dense_d2"))
    with pytest.raises(WeightsError, match="does not exist"):
        started(Recipe(start="nothing"))

    train_liso(recipe, photos, tmp_path / "mine.safetensors", resume=False)
    monkeypatch.setattr("latentink.bundled.FOLDER", tmp_path)
    mine = started(Recipe(start="mine", hidden=4, saving="jpeg"))
    assert isinstance(mine, LisoNetwork)
    assert mine.training
    assert all(p.requires_grad for p in mine.parameters())
    theirs = load_liso(tmp_path / "mine.safetensors")
    assert torch.equal(mine.update.gates.weight, theirs.update.gates.weight)


def test_the_decoder_keeps_its_statistics_in_training(photos: Path) -> None:
    trainer = Trainer(Recipe(hidden=4, crop=16), Photos(list_photos(photos)))
    before = {name: buffer.clone() for name, buffer in trainer.network.named_buffers()}
    trainer.advance()
    evaluate(trainer.network, trainer.photos, trainer.recipe)
    assert trainer.network.training
    assert all(torch.equal(b, before[name]) for name, b in trainer.network.named_buffers())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stepz = 3", "unknown key 'stepz'"),
        ("iterations = 0", "iterations = 0"),
        ("gamma = 0", "gamma"),
        ('saving = "webp"', "saving"),
        ('subsampling = "4:1:0"', "subsampling"),
        ("quality = 101", "quality"),
        ("critic_weight = -1", "critic_weight"),
    ],
)
def test_a_wrong_recipe_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(OptionError, match=sentence):
        read_liso_recipe(path)


def test_the_shipped_recipes_are_those_of_the_shipped_weights() -> None:
    for path in RECIPES.glob("liso*.toml"):
        shipped = load_liso(RECIPES.parents[1] / "weights" / f"{path.stem}.safetensors").design
        assert design_of(read_liso_recipe(path)) == shipped
    assert design_of(Recipe(saving="png")).saving == Png()


def test_the_image_weight_rises() -> None:
    assert [rise(step, 50) for step in (0, 25, 50, 99)] == pytest.approx([0.1, 0.55, 1, 1])
