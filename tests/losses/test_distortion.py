"""The distortion has the numerical gradient."""

from __future__ import annotations

import torch

from latentink.losses.distortion import squared_error_bits


def test_the_gradient_is_the_numerical_one() -> None:
    generator = torch.Generator().manual_seed(0)
    cover, stego = torch.rand(2, 1, 3, 4, 4, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: squared_error_bits(cover, x, 0.025), stego.requires_grad_()
    )
