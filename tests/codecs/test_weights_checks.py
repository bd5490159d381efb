"""Weights files that a stranger made: each is refused in a sentence, none computed with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from latentink.bundled import bundled
from latentink.codecs.loading import load_codec
from latentink.codecs.weights_checks import problem_with
from latentink.codecs.weights_file import read_weights
from latentink.errors import WeightsError
from latentink.tensor_files import read_safetensors, write_safetensors

Change = Callable[[Tensor], Tensor]


def with_first(value: float) -> Change:
    def changed(tensor: Tensor) -> Tensor:
        tensor = tensor.clone()
        tensor.view(-1)[0] = value
        return tensor

    return changed


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
def test_what_ships_is_in_order(codec: str) -> None:
    assert problem_with(read_weights(bundled(codec))[0]) == ""


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("hyper_length", with_first(-5), "do not go together"),
        ("gaussian_length", lambda t: -t, "do not go together"),
        ("gaussian_length", lambda t: t[:-1], "63 rows"),
        ("gaussian_offset", lambda t: t[:-1], "do not go together"),
        ("gaussian_offset", with_first(2**31 - 1), "beyond 32767"),
        ("gaussian_cdf", with_first(3), "does not ascend"),
        ("gaussian_cdf", lambda t: t.flip(0), "does not ascend"),
        ("gaussian_cdf", torch.zeros_like, "does not ascend"),
        ("hyper_cdf", lambda t: t[:-1], "do not go together"),
        ("hyper_cdf", lambda t: t.float(), "float32, not int32"),
        ("medians", with_first(float("nan")), "not finite"),
        ("medians", lambda t: t.int(), "not floating point"),
        ("medians", lambda t: t[:-1], "does not fit 'medians'"),
        ("log_gain", with_first(float("nan")), "not finite"),
        ("log_inverse", with_first(1e30), "too large"),
        ("log_gain", lambda t: t[:, :-1], "'log_inverse' of shape"),
        ("qualities", lambda t: t.flip(0), "do not ascend"),
        ("qualities", lambda t: t[:0], "of shape (0,)"),
        ("scale_levels", lambda t: torch.cat([t, 2 * t[-1:]]), "65 scale levels"),
        ("scale_levels", lambda t: -t.flip(0), "do not ascend"),
    ],
)
def test_a_file_with_one_wrong_tensor_is_refused(
    tmp_path: Path, name: str, change: Change, says: str
) -> None:
    tensors, metadata = read_safetensors(bundled("hyperprior"))
    path = tmp_path / "stranger.safetensors"
    write_safetensors(tensors | {name: change(tensors[name]).contiguous()}, metadata, path)
    with pytest.raises(WeightsError) as caught:
        load_codec("hyperprior", path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
