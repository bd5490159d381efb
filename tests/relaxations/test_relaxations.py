"""Limits, gradients and expectations of the relaxations."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from latentink.relaxations.additive_noise import additive_noise
from latentink.relaxations.coset_rounding import coset_rounding
from latentink.relaxations.gumbel_annealing import gumbel_annealing
from latentink.relaxations.soft_rounding import soft_rounding
from latentink.relaxations.straight_through import straight_through


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def off_halves() -> torch.Tensor:
    """Symbols of which none lies halfway between integers."""
    return torch.linspace(-4.03, 4.03, 400)


def test_straight_through_rounds_and_passes_the_gradient() -> None:
    symbols = torch.linspace(-2, 2, 41, requires_grad=True)
    rounded = straight_through(symbols)
    assert torch.equal(rounded, torch.round(symbols))
    rounded.sum().backward()
    assert symbols.grad is not None
    assert torch.equal(symbols.grad, torch.ones(41))


def test_additive_noise_fills_half_a_symbol_on_either_side() -> None:
    noisy = additive_noise(torch.zeros(1, 4, 8, 8), seeded(1))
    assert -0.5 <= float(noisy.min()) < -0.4
    assert 0.4 < float(noisy.max()) < 0.5


def test_soft_rounding_goes_from_rounding_to_the_identity() -> None:
    symbols = off_halves()
    torch.testing.assert_close(soft_rounding(symbols, 1e-4), torch.round(symbols))
    torch.testing.assert_close(soft_rounding(symbols, 1e3), symbols)


@pytest.mark.parametrize("temperature", [0.01, 0.1, 0.5, 2.0])
def test_soft_rounding_is_increasing_and_exact_at_integers_and_halves(temperature: float) -> None:
    fixed = torch.arange(-6, 7, dtype=torch.float64) / 2
    torch.testing.assert_close(soft_rounding(fixed, temperature), fixed)
    dense = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    assert (soft_rounding(dense, temperature).diff() >= -1e-12).all()


def test_soft_rounding_has_the_numerical_gradient() -> None:
    symbols = torch.linspace(-1.9, 2.1, 17, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: soft_rounding(s, 0.3), symbols)


def test_gumbel_annealing_goes_to_rounding() -> None:
    symbols = off_halves()
    torch.testing.assert_close(gumbel_annealing(symbols, 1e-4, seeded()), torch.round(symbols))


def test_gumbel_annealing_stays_between_the_two_integers_and_repeats_with_its_seed() -> None:
    symbols = off_halves()
    drawn = gumbel_annealing(symbols, 0.5, seeded(1))
    assert (drawn >= symbols.floor()).all()
    assert (drawn <= symbols.floor() + 1).all()
    assert torch.equal(drawn, gumbel_annealing(symbols, 0.5, seeded(1)))
    assert not torch.equal(drawn, gumbel_annealing(symbols, 0.5, seeded(2)))


@pytest.mark.parametrize("part", [0.2, 0.5, 0.7])
def test_gumbel_annealing_takes_the_upper_integer_as_often_as_the_paper_says(part: float) -> None:
    temperature, count = 0.5, 100_000
    drawn = gumbel_annealing(torch.full((count,), 3 + part), temperature, seeded())
    upper, lower = (math.exp(-math.atanh(d) / temperature) for d in (1 - part, part))
    share = upper / (upper + lower)
    assert float((drawn > 3.5).float().mean()) == pytest.approx(share, abs=0.007)


def test_gumbel_annealing_has_no_bias_by_symmetry() -> None:
    """Halfway the mean is the symbol; r and 1 − r lie as far from it on either side."""
    means = [
        float(gumbel_annealing(torch.full((100_000,), part), 0.5, seeded()).mean())
        for part in (0.5, 0.3, 0.7)
    ]
    assert means[0] == pytest.approx(0.5, abs=0.005)
    assert means[1] + means[2] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("temperature", [1e-3, 0.05, 0.5, 1.0])
def test_gradients_are_finite_at_integers_halves_and_large_symbols(temperature: float) -> None:
    points = torch.tensor([-3.0, -0.5, 0.0, 1e-6, 0.5, 0.999999, 7.25, 32767.0])
    for relax in (
        lambda s: soft_rounding(s, temperature),
        lambda s: gumbel_annealing(s, temperature, seeded()),
    ):
        symbols = points.clone().requires_grad_()
        relaxed = relax(symbols)
        relaxed.sum().backward()
        assert symbols.grad is not None
        assert relaxed.isfinite().all()
        assert symbols.grad.isfinite().all()


@given(
    st.lists(st.tuples(st.floats(-300, 300), st.integers(1, 16), st.integers(0, 15)), min_size=1)
)
def test_coset_rounding_leaves_the_residue_within_half_a_modulus(drawn) -> None:
    columns = torch.tensor([(s, m, r % m) for s, m, r in drawn], dtype=torch.float64).unbind(1)
    symbols, moduli, residues = columns
    symbols = symbols.requires_grad_()
    points = coset_rounding(symbols, residues, moduli)
    torch.testing.assert_close(torch.remainder(points, moduli), residues)
    assert ((points - symbols).abs() <= moduli / 2 + 1e-9).all()
    points.sum().backward()
    assert torch.equal(symbols.grad, torch.ones_like(symbols))


def test_coset_rounding_with_modulus_one_is_rounding() -> None:
    symbols = off_halves()
    ones = torch.ones_like(symbols)
    torch.testing.assert_close(coset_rounding(symbols, 0 * ones, ones), torch.round(symbols))
