"""What ELIC adds to the contract of a codec."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentink.codecs.elic.codec import convolutions, hyper_synthesis
from latentink.codecs.loading import load_codec
from latentink.errors import WeightsError


def test_the_passes_are_all_positions_once_anchors_first() -> None:
    codec = load_codec("elic")
    shape = (codec.latent_channels, 3, 5)
    passes = codec.passes(shape)
    assert len(passes) == 10
    assert sorted(np.concatenate(passes)) == list(range(int(np.prod(shape))))
    channels, rows, columns = np.unravel_index(passes[2], shape)
    assert set(channels) == set(range(16, 32))
    assert ((rows + columns) % 2 == 0).all()


def test_networks_take_their_widths_from_the_tensors() -> None:
    tensors = {
        "0.weight": torch.zeros(6, 2, 5, 5),
        "0.bias": torch.zeros(6),
        "2.weight": torch.zeros(4, 6, 1, 1),
        "2.bias": torch.zeros(4),
    }
    assert convolutions(tensors, "the test")(torch.zeros(1, 2, 7, 8)).shape == (1, 4, 7, 8)
    tensors["2.weight"] = torch.zeros(4, 6)
    with pytest.raises(WeightsError, match=r"the test: tensor '2\.weight' has 2 dimensions"):
        convolutions(tensors, "the test")
    with pytest.raises(WeightsError, match=r"misses tensor '4\.weight'"):
        hyper_synthesis({k: torch.zeros(2, 2, 5, 5) for k in ("0.weight", "2.weight")}, "the test")
