"""Rounding pictures to 8 bits."""

from __future__ import annotations

import torch

from latentink.relaxations.eight_bits import round_to_8_bits


def test_rounding_to_8_bits_is_exact_and_transparent_to_gradients() -> None:
    picture = torch.linspace(-0.2, 1.2, 999, requires_grad=True)
    rounded = round_to_8_bits(picture)
    torch.testing.assert_close(rounded * 255, (picture.clamp(0, 1) * 255).round())
    rounded.sum().backward()
    assert torch.equal(picture.grad, torch.ones(999))
