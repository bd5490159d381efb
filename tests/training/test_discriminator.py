"""Training a discriminator against a codec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from latentink.codecs.codec import Codec
from latentink.codecs.reconstruction import receive
from latentink.critics.discriminator import Discriminator, read_discriminator
from latentink.errors import OptionError
from latentink.losses.adversarial import adversarial
from latentink.picture import to_tensor
from latentink.tensor_files import fill, read_checkpoint
from latentink.training.checkpoints import newest, write_checkpoint
from latentink.training.discriminator import (
    accuracy_on,
    draw_quality_codes,
    new_network,
    plain_tensors,
)
from latentink.training.photos import Photos
from latentink.training.registry import train_on_photos
from latentink.training.trainer import Trainer
from photos import astronaut


def test_plain_convolutions_ship_with_their_accuracy_at_each_quality(
    recipe_of: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "d.safetensors"
    train_on_photos("discriminator", recipe_of("discriminator", steps=1), photos, out, False)
    network, notes = read_discriminator(out)
    assert network.width == 2
    assert (notes["codec"], notes["steps"], notes["held_out_photos"]) == ("hyperprior", "1", "1")
    for quality in range(1, 9):
        assert 0 <= float(notes[f"held_out_accuracy_q{quality}"]) <= 1
        assert 0 <= float(notes[f"held_out_patch_accuracy_q{quality}"]) <= 1


def test_resuming_with_another_codec_is_refused(
    recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    recipe = recipe_of("discriminator", steps=1)
    out = train("discriminator", recipe, tmp_path / "x.safetensors")
    state = read_checkpoint(newest(out))
    write_checkpoint({**state, "codec_fingerprint": "00"}, newest(out))
    with pytest.raises(OptionError, match="other weights of hyperprior"):
        train("discriminator", recipe, out, resume=True)


def test_it_learns_to_tell_noise_from_its_reconstruction(
    trainer_of: Callable[..., Trainer], tmp_path: Path
) -> None:
    noise = Photos([])
    noise.paths = [Path("noise")] * 2
    noise._cache = {
        seed: np.random.default_rng(seed).integers(0, 256, (80, 70, 3), dtype=np.uint8)
        for seed in range(2)
    }
    trainer = trainer_of("discriminator", noise, width=8, steps=80, learning_rate=3e-3)
    figures = [trainer.advance() for _ in range(80)]
    assert figures[0]["accuracy"] < 0.75
    assert np.mean([f["accuracy"] for f in figures[-20:]]) > 0.85
    assert np.mean([float(f["loss"]) for f in figures[-20:]]) < 0.6 * float(figures[0]["loss"])


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


def test_qualities_are_drawn_from_the_whole_range(hyperprior: Codec) -> None:
    drawn, again = (
        draw_quality_codes(hyperprior, 4000, torch.Generator().manual_seed(0)) for _ in range(2)
    )
    low, high = (hyperprior.quality_code(hyperprior.qualities[end]) for end in (0, -1))
    assert low <= min(drawn) < low + 0.1 * (high - low)
    assert high - 0.1 * (high - low) < max(drawn) <= high
    assert drawn == again


def test_a_discriminator_that_says_photo_to_all_is_right_half_of_the_time(
    hyperprior: Codec,
) -> None:
    network = Discriminator(hyperprior.entropy.latent_channels, 2)
    zeros = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    fill(network, zeros | {"trunk.8.bias": torch.ones(1)}, "the test")
    photo = to_tensor(astronaut())[..., :50, :70]
    assert accuracy_on(network, hyperprior, photo, hyperprior.quality_code(5)) == [0.5, 0.5]


def test_the_gradient_reaches_the_picture_through_the_term(hyperprior: Codec) -> None:
    network = Discriminator(hyperprior.entropy.latent_channels, 4)
    fill(network, plain_tensors(network), "the test")
    photo = to_tensor(astronaut())[..., :48, :40]
    latent, made = receive(hyperprior, photo, hyperprior.quality_code(5))
    made.requires_grad_(True)
    adversarial(network(made, latent)).backward()
    assert made.grad is not None
    assert bool((made.grad.flatten(2).abs().amax(2) > 0).all())
