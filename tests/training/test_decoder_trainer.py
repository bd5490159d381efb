"""The trainer learns, resumes exactly, and says what is wrong with a recipe or a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from latentink.errors import OptionError, WeightsError
from latentink.message_decoders.decoder_file import load_decoder
from latentink.picture import list_photos
from latentink.relaxations.eight_bits import round_to_8_bits
from latentink.training import decoder as training
from latentink.training.checkpoints import checkpoint_path, resumable
from latentink.training.decoder import (
    Recipe,
    Trainer,
    blur,
    distort,
    draw_bits,
    read_decoder_recipe,
    schedule,
    step_generator,
    train_decoder,
)
from latentink.training.logs import log_path
from latentink.training.photos import Photos, is_held_out

RECIPES = Path(training.__file__).parent / "recipes"

TINY = """
hidden = 4
steps = 6
batch = 2
crop = 24
checkpoint_seconds = 0
codec = "noise"
density = 0.25
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for i, size in enumerate([(40, 50), (30, 24), (20, 33)]):
        pixels = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize(size[::-1]).save(folder / f"{i}.png")
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_training_exports_a_decoder_with_its_log(
    recipe: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "decoder.safetensors"
    assert train_decoder(recipe, photos, out, resume=False) == out
    loaded = load_decoder(out)
    assert (loaded.name, loaded.hidden, loaded.data_depth) == ("dense", 4, 1)
    log = log_path(out).read_text().splitlines()
    assert log[0] == "step,loss,accuracy,psnr,seconds"
    assert [row.split(",")[0] for row in log[1:]] == ["1", "2", "3", "4", "5", "6"]


def test_an_interrupted_run_resumes_to_the_same_weights(
    recipe: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train_decoder(recipe, photos, whole, resume=False)
    advance = Trainer.advance

    def interrupted(self: Trainer) -> training.Figures:
        if self.step == 3:
            raise KeyboardInterrupt
        return advance(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_decoder(recipe, photos, parts, resume=False)
    assert not parts.exists()
    assert resumable(checkpoint_path(parts), set())["step"] == 3
    train_decoder(recipe, photos, parts, resume=True)
    mine, theirs = load_file(parts), load_file(whole)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    rows = [path.read_text().splitlines() for path in (log_path(parts), log_path(whole))]
    assert [r.rsplit(",", 1)[0] for r in rows[0]] == [r.rsplit(",", 1)[0] for r in rows[1]]


def test_resuming_with_another_recipe_or_nothing_is_refused(
    recipe: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match="no checkpoint"):
        train_decoder(recipe, photos, out, resume=True)
    train_decoder(recipe, photos, out, resume=False)
    recipe.write_text(TINY.replace("batch = 2", "batch = 1"))
    with pytest.raises(OptionError, match="batch = 2"):
        train_decoder(recipe, photos, out, resume=True)
    checkpoint_path(out).write_bytes(checkpoint_path(out).read_bytes()[:1000])
    with pytest.raises(WeightsError, match="truncated or damaged"):
        train_decoder(recipe, photos, out, resume=True)


def test_the_pair_learns_to_hide_bits(photos: Path) -> None:
    recipe = Recipe(hidden=8, steps=60, batch=2, crop=24, learning_rate=1e-2, image_weight=1.0)
    trainer = Trainer(recipe, Photos(list_photos(photos)))
    figures = [trainer.advance() for _ in range(recipe.steps)]
    assert figures[0].accuracy < 0.65
    assert np.mean([f.accuracy for f in figures[-5:]]) > 0.8


def test_making_a_trainer_leaves_the_global_generator_alone(photos: Path) -> None:
    before = torch.get_rng_state()
    Trainer(Recipe(hidden=4, crop=24), Photos(list_photos(photos))).advance()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stepz = 3", "unknown key 'stepz'"),
        ("steps = 0", "steps = 0"),
        ("steps = 1.5", "of type int"),
        ("steps = true", "of type int"),
        ("density = 2", "density"),
        ('codec = "jpeg"', "codec"),
        ("learning_rate = nan", "learning_rate"),
        ("steps = ", "not TOML"),
    ],
)
def test_a_wrong_recipe_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(OptionError, match=sentence):
        read_decoder_recipe(path)


def test_missing_recipe_missing_folder_and_empty_folder_are_named(
    recipe: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=r"none\.toml"):
        read_decoder_recipe(tmp_path / "none.toml")
    with pytest.raises(OptionError, match="nowhere"):
        train_decoder(recipe, tmp_path / "nowhere", tmp_path / "x.safetensors", resume=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="empty"):
        train_decoder(recipe, tmp_path / "empty", tmp_path / "x.safetensors", resume=False)


def test_a_damaged_or_tiny_photo_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    with pytest.raises(OptionError, match=r"bad\.png"):
        Photos(list_photos(tmp_path)).pixels(0)
    Image.new("RGB", (40, 8)).save(tmp_path / "bad.png")
    with pytest.raises(OptionError, match="smaller than 16"):
        Photos(list_photos(tmp_path)).pixels(0)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("decoder_*.toml")), ids=lambda p: p.stem)
def test_the_shipped_recipes_are_valid(path: Path) -> None:
    assert path.stem.endswith(f"_d{read_decoder_recipe(path).data_depth}")


def test_crops_cover_small_photos_and_repeat_for_a_seed(photos: Path) -> None:
    pool = Photos(list_photos(photos))
    first, second = (pool.crops(8, 48, step_generator(1, 7)) for _ in range(2))
    assert first.shape == (8, 3, 48, 48)
    assert torch.equal(first, second)
    assert first.min() >= 0
    assert first.max() <= 1


def test_rounding_to_8_bits_is_exact_and_transparent_to_gradients() -> None:
    picture = torch.linspace(-0.2, 1.2, 999, requires_grad=True)
    rounded = round_to_8_bits(picture)
    torch.testing.assert_close(rounded * 255, (picture.clamp(0, 1) * 255).round())
    rounded.sum().backward()
    assert torch.equal(picture.grad, torch.ones(999))


def test_blur_keeps_the_mean_and_zero_keeps_the_picture() -> None:
    picture = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    blurred = blur(picture, torch.tensor([0.0, 1.5]))
    torch.testing.assert_close(blurred[0], picture[0])
    assert blurred[1].std() < 0.5 * picture[1].std()
    torch.testing.assert_close(blurred[1].mean(), picture[1].mean(), atol=5e-3, rtol=0)


def test_the_distortion_is_differentiable_and_absent_without_noise() -> None:
    stego = torch.rand(3, 3, 24, 24, requires_grad=True)
    assert distort(stego, Recipe(), step_generator(1, 0)) is stego
    shown = distort(stego, Recipe(codec="noise"), step_generator(1, 0))
    shown.square().sum().backward()
    assert stego.grad is not None
    assert stego.grad.abs().mean() > 0
    torch.testing.assert_close(shown * 255, (shown * 255).round(), atol=1e-3, rtol=0)


def test_colour_is_blurred_apart_from_grey() -> None:
    recipe = Recipe(codec="noise", blur=0.0, noise=0.0, colour_blur=2.0)
    picture = 0.4 + 0.2 * torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    shown = distort(picture, recipe, step_generator(1, 0))
    torch.testing.assert_close(shown.mean(1), picture.mean(1), atol=3e-3, rtol=0)
    assert (shown - shown.mean(1, keepdim=True)).std() < 0.3 * picture.std()


def test_unused_positions_carry_a_half() -> None:
    bits, used = draw_bits((1, 1, 200, 200), 1 / 16, step_generator(1, 0))
    assert torch.equal(bits[~used], torch.full_like(bits[~used], 0.5))
    assert set(bits[used].unique().tolist()) == {0.0, 1.0}
    assert float(used.float().mean()) == pytest.approx(1 / 16, rel=0.1)


def test_the_schedule_rises_and_falls() -> None:
    factors = [schedule(step, 1000) for step in range(1000)]
    assert factors[0] < 0.05
    assert factors[30] == pytest.approx(1)
    assert factors[-1] < 1e-4


def test_held_out_photos_are_a_fixed_twentieth() -> None:
    names = [Path(f"photo{i}.jpg") for i in range(2000)]
    share = sum(map(is_held_out, names)) / len(names)
    assert 0.03 < share < 0.07
    assert is_held_out(Path("a/b.jpg")) == is_held_out(Path("elsewhere/b.jpg"))
