"""What ELIC adds to the contract of a codec."""

from __future__ import annotations

import numpy as np
import pytest

from latentink.codecs.loading import load_codec
from latentink.codecs.stored_networks import chain
from latentink.errors import WeightsError


def test_the_passes_are_all_positions_once_anchors_first() -> None:
    codec = load_codec("elic")
    shape = (codec.entropy.latent_channels, 3, 5)
    passes = codec.entropy.passes(shape)
    assert len(passes) == 10
    assert sorted(np.concatenate(passes)) == list(range(int(np.prod(shape))))
    channels, rows, columns = np.unravel_index(passes[2], shape)
    assert set(channels) == set(range(16, 32))
    assert ((rows + columns) % 2 == 0).all()


def test_networks_take_their_widths_from_the_tensors() -> None:
    tensors = {
        "own.0.weight": np.zeros((6, 2, 5, 5)),
        "own.0.bias": np.zeros(6),
        "own.2.weight": np.zeros((4, 6, 1, 1)),
        "own.2.bias": np.zeros(4),
    }
    first, last = chain(tensors, "own", 2, 4, "the test")
    assert (first.weight.shape[0], first.rectified, last.rectified) == (6, True, False)
    with pytest.raises(WeightsError, match="the test returns 4 channels instead of 5"):
        chain(tensors, "own", 2, 5, "the test")
    with pytest.raises(WeightsError, match=r"'0\.weight' has the shape \(6, 2, 5, 5\) instead of"):
        chain(tensors, "own", 3, 4, "the test")
    with pytest.raises(WeightsError, match=r"misses tensor '2\.bias'"):
        chain({k: v for k, v in tensors.items() if k != "own.2.bias"}, "own", 2, 4, "the test")
    with pytest.raises(WeightsError, match=r"'2\.weight' has the shape \(4, 6\)"):
        chain(tensors | {"own.2.weight": np.zeros((4, 6))}, "own", 2, 4, "the test")
    tensors["own.0.bias"][0] = np.inf
    with pytest.raises(WeightsError, match=r"'0\.bias' holds values that are not finite"):
        chain(tensors, "own", 2, 4, "the test")
