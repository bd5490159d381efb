"""Weights that training a codec starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from latentink.codecs.implementation import implementation_of
from latentink.codecs.model import CodecModel, weights_of
from latentink.codecs.starting_weights import load_start
from latentink.errors import WeightsError
from latentink.tensor_files import write_safetensors


def model(architecture: str, latent_channels: int, qualities: tuple[float, ...]) -> CodecModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return implementation_of(architecture).model(8, latent_channels, qualities).eval()


@pytest.mark.parametrize("architecture", ["hyperprior", "elic"])
def test_a_wider_model_computes_what_the_narrow_one_did(architecture: str, tmp_path: Path) -> None:
    old, narrow = 136, tmp_path / "narrow.safetensors"
    small = model(architecture, old, (1.0, 8.0))
    write_safetensors(weights_of(small, torch.float32), {}, narrow)
    large = model(architecture, 160, (1.0, 8.0))
    load_start(large, narrow)
    picture, quality = torch.rand(1, 3, 64, 128), torch.tensor([5.0])
    with torch.no_grad():
        y, y_wide = small.network.g_a(picture), large.network.g_a(picture)
        torch.testing.assert_close(y_wide[:, :old], y)
        torch.testing.assert_close(large.network.g_s(y_wide), small.network.g_s(y))
        silence_new_channels(large, old)
        torch.testing.assert_close(
            large(picture, quality, True).z_bits, small(picture, quality, True).z_bits
        )
        # What is left of the new channels costs the ends of their zeros' distribution at most.
        bits, bits_wide = small(picture, quality, True).y_bits, large(picture, quality, True).y_bits
        assert 0 <= float(bits_wide - bits) < 1e-3 * float(bits) + 1


def silence_new_channels(model: CodecModel, old: int) -> None:
    """Let g_a return 0 in the channels from ``old`` on."""

    def silence(_module: object, _inputs: object, y: Tensor) -> Tensor:
        y[:, old:] = 0
        return y

    model.network.g_a.register_forward_hook(silence)


def test_a_checkpoint_starts_a_model_of_other_qualities(tmp_path: Path) -> None:
    path, old = tmp_path / "run.checkpoint.pt", model("hyperprior", 12, (3.0, 5.0))
    torch.save({"recipe": {"qualities": [3.0, 5.0]}, "model": old.state_dict()}, path)
    new = model("hyperprior", 12, (3.0, 4.0, 5.0))
    load_start(new, path)
    torch.testing.assert_close(new.gains.log_gain[::2], old.gains.log_gain)
    torch.testing.assert_close(new.network.g_a[0].weight, old.network.g_a[0].weight)
    with pytest.raises(WeightsError, match=r"does not fit the recipe: tensor 'network\.g_a"):
        load_start(model("hyperprior", 16, (3.0, 5.0)), path)
    torch.save({"step": 1}, path)
    with pytest.raises(WeightsError, match="not a checkpoint of a codec's training"):
        load_start(new, path)
