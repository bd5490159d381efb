"""The rate of a symbol is its code length, with the numerical gradient."""

from __future__ import annotations

import math

import pytest
import torch

from latentink.losses.rate import gaussian_bits


def test_rate_of_a_symbol_is_its_code_length() -> None:
    scales = torch.tensor([0.5, 2.0, 10.0], dtype=torch.float64)
    symbols = torch.tensor([0.0, -3.0, 12.0], dtype=torch.float64)
    expected = sum(
        -math.log2(
            (math.erf((s + 0.5) / (r * math.sqrt(2))) - math.erf((s - 0.5) / (r * math.sqrt(2))))
            / 2
        )
        for s, r in zip(symbols.tolist(), scales.tolist(), strict=True)
    )
    assert float(gaussian_bits(symbols, scales)) == pytest.approx(expected, rel=1e-9)


def test_the_gradient_is_the_numerical_one() -> None:
    generator = torch.Generator().manual_seed(0)
    symbols = torch.randn(1, 3, 4, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    scales = torch.full_like(symbols, 0.7).detach()
    assert torch.autograd.gradcheck(lambda x: gaussian_bits(x, scales), symbols)
