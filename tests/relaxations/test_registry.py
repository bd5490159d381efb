"""A relaxation registered in one line serves the editor and its presets."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from latentink.editing.presets import BALANCED
from latentink.errors import OptionError
from latentink.relaxations.registry import RELAXATIONS


@pytest.mark.parametrize("name", RELAXATIONS)
def test_every_relaxation_keeps_shape_and_passes_a_gradient(name: str) -> None:
    relax = RELAXATIONS[name](0.5, torch.Generator().manual_seed(0))
    symbols = torch.linspace(-2, 2, 32).view(1, 2, 4, 4).requires_grad_()
    relaxed = relax(symbols)
    relaxed.sum().backward()
    assert relaxed.shape == symbols.shape
    assert (relaxed - symbols).abs().max() <= 1
    assert symbols.grad is not None
    assert float(symbols.grad.sum()) > 0


def test_a_preset_takes_a_new_relaxation_once_it_is_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(OptionError, match="no relaxation 'none'; choose from additive_noise, "):
        replace(BALANCED, rate_relaxation="none")
    monkeypatch.setitem(RELAXATIONS, "none", lambda temperature, noise: lambda symbols: symbols)
    assert replace(BALANCED, rate_relaxation="none").rate_relaxation == "none"
