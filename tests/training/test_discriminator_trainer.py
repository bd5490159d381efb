"""The discriminator's trainer learns, resumes exactly, measures, and exports plain convolutions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from latentink.codecs.codec import Codec
from latentink.critics.discriminator import Discriminator, read_discriminator
from latentink.errors import OptionError, WeightsError
from latentink.losses.adversarial import adversarial
from latentink.picture import list_photos, to_tensor
from latentink.tensor_files import fill
from latentink.training import discriminator as training
from latentink.training.checkpoints import checkpoint_path, resumable, write_checkpoint
from latentink.training.discriminator import (
    DiscriminatorRecipe,
    Trainer,
    draw_qualities,
    evaluate,
    new_network,
    plain_tensors,
    read_discriminator_recipe,
    receive,
    reconstruct,
    step_generator,
    train_discriminator,
)
from latentink.training.logs import log_path
from latentink.training.photos import Photos
from photos import astronaut

RECIPES = Path(training.__file__).parent / "recipes"

TINY = """
width = 2
steps = 4
batch = 2
crop = 32
checkpoint_seconds = 0
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number, corner in enumerate([(0, 0), (100, 60)]):
        top, left = corner
        part = astronaut()[top : top + 90, left : left + 75]
        Image.fromarray(part).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_training_exports_plain_convolutions_with_log_and_figures(
    recipe: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "d.safetensors"
    assert train_discriminator(recipe, photos, out, resume=False) == out
    network, metadata = read_discriminator(out)
    assert network.width == 2
    assert (metadata["codec"], metadata["steps"], metadata["held_out_photos"]) == (
        "hyperprior",
        "4",
        "2",
    )
    for quality in range(3, 9):
        assert 0 <= float(metadata[f"held_out_accuracy_q{quality}"]) <= 1
        assert 0 <= float(metadata[f"held_out_patch_accuracy_q{quality}"]) <= 1
    log = log_path(out).read_text().splitlines()
    assert log[0] == "step,loss,accuracy,seconds"
    assert [row.split(",")[0] for row in log[1:]] == ["1", "2", "3", "4"]


def test_an_interrupted_run_resumes_to_the_same_weights(
    recipe: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    monkeypatch.setattr(training, "evaluate_all", lambda *_: {})
    train_discriminator(recipe, photos, whole, resume=False)
    advance = Trainer.advance

    def interrupted(self: Trainer) -> training.Figures:
        if self.step == 2:
            raise KeyboardInterrupt
        return advance(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_discriminator(recipe, photos, parts, resume=False)
    assert not parts.exists()
    assert resumable(checkpoint_path(parts), set())["step"] == 2
    train_discriminator(recipe, photos, parts, resume=True)
    states = [resumable(checkpoint_path(path), set())["network"] for path in (parts, whole)]
    for mine, theirs in (states, [load_file(parts), load_file(whole)]):
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    rows = [path.read_text().splitlines() for path in (log_path(parts), log_path(whole))]
    assert [r.rsplit(",", 1)[0] for r in rows[0]] == [r.rsplit(",", 1)[0] for r in rows[1]]


def test_resuming_with_another_recipe_or_codec_or_nothing_is_refused(
    recipe: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "x.safetensors"
    monkeypatch.setattr(training, "evaluate_all", lambda *_: {})
    with pytest.raises(WeightsError, match="no checkpoint"):
        train_discriminator(recipe, photos, out, resume=True)
    train_discriminator(recipe, photos, out, resume=False)
    state = resumable(checkpoint_path(out), set())
    write_checkpoint({**state, "codec_fingerprint": "00"}, checkpoint_path(out))
    with pytest.raises(OptionError, match="other weights of hyperprior"):
        train_discriminator(recipe, photos, out, resume=True)
    recipe.write_text(TINY.replace("batch = 2", "batch = 1"))
    with pytest.raises(OptionError, match="batch = 2"):
        train_discriminator(recipe, photos, out, resume=True)
    write_checkpoint({"step": 3}, checkpoint_path(out))
    with pytest.raises(WeightsError, match="not a checkpoint of this trainer"):
        train_discriminator(recipe, photos, out, resume=True)


def test_it_learns_to_tell_noise_from_its_reconstruction(tmp_path: Path, hyperprior: Codec) -> None:
    for seed in range(2):
        noise = np.random.default_rng(seed).integers(0, 256, (80, 70, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{seed}.png")
    recipe = DiscriminatorRecipe(width=8, steps=80, batch=2, crop=32, learning_rate=1e-3)
    trainer = Trainer(recipe, Photos(list_photos(tmp_path)), hyperprior)
    figures = [trainer.advance() for _ in range(recipe.steps)]
    assert figures[0].accuracy < 0.75
    assert np.mean([f.accuracy for f in figures[-5:]]) > 0.9
    assert np.mean([f.loss for f in figures[-5:]]) < 0.7 * figures[0].loss


def test_making_a_trainer_leaves_the_global_generator_alone(
    photos: Path, hyperprior: Codec
) -> None:
    before = torch.get_rng_state()
    recipe = DiscriminatorRecipe(width=2, batch=1, crop=32)
    Trainer(recipe, Photos(list_photos(photos)), hyperprior).advance()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_exported_kernels_are_normalised_and_compute_the_same() -> None:
    network = new_network(latent_channels=6, width=4)
    for _ in range(30):
        network(torch.rand(1, 3, 32, 32), torch.randn(1, 6, 2, 2))
    plain = Discriminator(6, 4)
    fill(plain, plain_tensors(network), "the test")
    for number in (0, 2, 4, 6):
        kernel = plain.trunk[number].weight.flatten(1)
        assert float(torch.linalg.matrix_norm(kernel, 2)) == pytest.approx(1, rel=0.05)
    assert network.training
    picture, latent = torch.rand(2, 3, 48, 40), torch.randn(2, 6, 3, 3)
    torch.testing.assert_close(plain(picture, latent), network.eval()(picture, latent))


def test_the_batch_in_training_is_what_the_receiver_gets(codec: Codec) -> None:
    picture = to_tensor(astronaut())[..., :128, :192]
    crops = torch.cat([picture[..., :128], picture[..., 64:]])
    qualities = [codec.quality_code(quality) for quality in (4, 7.5)]
    latents, made = reconstruct(codec, crops, qualities)
    for row, quality in enumerate(qualities):
        latent, received = receive(codec, crops[row : row + 1], quality)
        assert latents[row : row + 1].shape == latent.shape
        # bf16 rounds a few symbols to the neighbour; the picture is the same to the eye.
        assert float((latents[row] - latent[0]).square().mean() / latent.square().mean()) < 0.05
        assert float((made[row] - received[0]).square().mean().sqrt()) < 4 / 255
        torch.testing.assert_close(received * 255, (received * 255).round(), atol=1e-3, rtol=0)
        torch.testing.assert_close(made[row] * 255, (made[row] * 255).round(), atol=1e-3, rtol=0)


def test_qualities_are_drawn_from_the_whole_range(hyperprior: Codec) -> None:
    drawn = draw_qualities(hyperprior, 4000, step_generator(1, 0))
    low, high = (hyperprior.quality_code(hyperprior.qualities[end]) for end in (0, -1))
    assert low <= min(drawn) < low + 0.1 * (high - low)
    assert high - 0.1 * (high - low) < max(drawn) <= high
    assert drawn == draw_qualities(hyperprior, 4000, step_generator(1, 0))


def test_a_discriminator_that_says_photo_to_all_is_right_half_of_the_time(
    hyperprior: Codec,
) -> None:
    network = Discriminator(hyperprior.latent_channels, 2)
    zeros = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    fill(network, zeros | {"trunk.8.bias": torch.ones(1)}, "the test")
    photo = to_tensor(astronaut())[..., :50, :70]
    accuracy = evaluate(network, hyperprior, photo, hyperprior.quality_code(5))
    assert dataclasses.astuple(accuracy) == (0.5, 0.5)


def test_the_gradient_reaches_the_picture_through_the_term(hyperprior: Codec) -> None:
    network = Discriminator(hyperprior.latent_channels, 4)
    fill(network, plain_tensors(network), "the test")
    latent, made = receive(
        hyperprior, to_tensor(astronaut())[..., :48, :40], hyperprior.quality_code(5)
    )
    made.requires_grad_(True)
    adversarial(network(made, latent)).backward()
    assert made.grad is not None
    assert bool((made.grad.flatten(2).abs().amax(2) > 0).all())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stepz = 3", "unknown key 'stepz'"),
        ('codec = "jpeg"', "codec"),
        ("crop = 40", "no multiple of 16"),
        ("width = 0", "width = 0"),
        ("learning_rate = nan", "learning_rate"),
    ],
)
def test_a_wrong_recipe_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(OptionError, match=sentence):
        read_discriminator_recipe(path)


@pytest.mark.parametrize("name", ["hyperprior", "elic"])
def test_the_shipped_recipes_are_valid(name: str) -> None:
    assert read_discriminator_recipe(RECIPES / f"discriminator_{name}.toml").codec == name
