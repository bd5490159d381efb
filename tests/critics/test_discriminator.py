"""HiFiC's discriminator: its shapes, its gradient, and which weights files it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from latentink.bundled import bundled
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS
from latentink.critics.discriminator import (
    Discriminator,
    load_discriminator,
    read_discriminator,
    save_discriminator,
)
from latentink.errors import WeightsError
from latentink.losses.adversarial import adversarial


def tiny() -> Discriminator:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Discriminator(latent_channels=5, width=2)


FINGERPRINT = bytes(range(8))


def saved(path: Path, codec: str = "hyperprior") -> Path:
    notes = {"steps": "7", "codec_fingerprint": FINGERPRINT.hex()}
    save_discriminator(tiny().state_dict(), path, codec, notes)
    return path


def test_the_gradient_to_picture_and_latent_is_the_numerical_one() -> None:
    network = tiny().double()
    generator = torch.Generator().manual_seed(1)
    picture = torch.rand(1, 3, 17, 16, generator=generator, dtype=torch.float64)
    latent = torch.randn(1, 5, 2, 1, generator=generator, dtype=torch.float64)
    picture.requires_grad_(True)
    latent.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x, y: adversarial(network(x, y)), (picture, latent))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (33, 47), (64, 80)])
def test_any_size_from_16_gives_a_logit_a_patch(height: int, width: int) -> None:
    latent = torch.zeros(2, 5, math.ceil(height / 16), math.ceil(width / 16))
    logits = tiny()(torch.rand(2, 3, height, width), latent)
    assert logits.shape == (2, 1, height // 16, width // 16)


def test_the_latent_matters() -> None:
    network, picture = tiny(), torch.rand(1, 3, 32, 32)
    one, other = torch.ones(1, 5, 2, 2), -torch.ones(1, 5, 2, 2)
    assert not torch.allclose(network(picture, one), network(picture, other))


def test_a_file_gives_back_the_network_frozen(tmp_path: Path) -> None:
    network, metadata = read_discriminator(saved(tmp_path / "d.safetensors"))
    assert (network.latent_channels, network.width, metadata["steps"]) == (5, 2, "7")
    assert not network.training
    for name, tensor in tiny().state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], tensor.half().float())
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    adversarial(network(picture, torch.zeros(1, 5, 2, 2))).backward()
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_files_of_another_kind_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "d.safetensors")
    tensors, (_, metadata) = load_file(path), read_discriminator(path)
    with pytest.raises(WeightsError, match="There is no file"):
        read_discriminator(tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="something else than a discriminator"):
        read_discriminator(bundled("decoder_dense_d1"))
    save_file(tensors, path, {**metadata, "width": "3"})
    with pytest.raises(WeightsError, match="shape"):
        read_discriminator(path)
    save_file(tensors, path, {**metadata, "width": "many"})
    with pytest.raises(WeightsError, match="width = 'many'"):
        read_discriminator(path)
    tensors.pop("trunk.2.bias")
    save_file(tensors, path, metadata)
    with pytest.raises(WeightsError, match=r"misses tensor 'trunk\.2\.bias'"):
        read_discriminator(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_discriminator(path)


def test_loading_by_the_name_of_a_codec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="no discriminator for the codec 'jpeg'"):
        load_discriminator("jpeg", bytes(8))
    monkeypatch.setattr("latentink.bundled.FOLDER", tmp_path)
    with pytest.raises(WeightsError, match="no discriminator for the codec 'elic'"):
        load_discriminator("elic", bytes(8))
    saved(bundled("discriminator_hyperprior"))
    assert load_discriminator("hyperprior", FINGERPRINT).latent_channels == 5
    with pytest.raises(WeightsError, match="there is none for 0000000000000000"):
        load_discriminator("hyperprior", bytes(8))
    saved(bundled("discriminator_elic"))
    with pytest.raises(WeightsError, match="for 'hyperprior', not for elic"):
        load_discriminator("elic", FINGERPRINT)


@pytest.mark.parametrize("name", CODECS)
def test_the_bundled_discriminators_belong_to_the_bundled_codecs(name: str) -> None:
    codec = load_codec(name)
    discriminator = load_discriminator(name, codec.entropy.fingerprint)
    assert discriminator.latent_channels == codec.entropy.latent_channels
