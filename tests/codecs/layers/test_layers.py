"""What the layers promise, without another library."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentink.codecs.layers.convolutions import CheckerboardConvolution, convolution, transposed
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.layers.gdn import Gdn
from latentink.codecs.layers.residual import Attention, ResidualBottleneck


def test_gdn_is_the_formula_of_its_paper() -> None:
    layer = Gdn(2)
    with torch.no_grad():
        layer.gamma += torch.tensor([[0.0, 0.5], [0.2, 0.0]])
    beta, gamma = (values.detach().numpy() for values in layer.coefficients())
    x = torch.tensor([3.0, -1.0])
    expected = x.numpy() / np.sqrt(beta + gamma @ x.numpy() ** 2)
    y = layer(x.view(1, 2, 1, 1)).view(2)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6)


def test_gdn_starts_positive_and_stays_so_whatever_its_parameters() -> None:
    layer = Gdn(3)
    with torch.no_grad():
        layer.gamma.fill_(-5)
        layer.beta.fill_(-5)
    beta, gamma = layer.coefficients()
    assert (beta > 0).all()
    assert (gamma >= 0).all()


def test_convolutions_halve_and_double() -> None:
    x = torch.zeros(1, 4, 9, 16)
    assert convolution(4, 6)(x).shape == (1, 6, 5, 8)
    assert transposed(4, 6)(x).shape == (1, 6, 18, 32)
    assert transposed(4, 6, 3, 1)(x).shape == (1, 6, 9, 16)


def test_a_checkerboard_convolution_sees_the_other_colour_alone() -> None:
    layer, x = CheckerboardConvolution(2, 4), torch.rand(1, 2, 8, 9)
    colour = (torch.arange(8)[:, None] + torch.arange(9)) % 2
    same = torch.where(colour == 0, 1 - x, x)  # Changes what its even places must not see.
    y, other = layer(x)[0], layer(same)[0]
    torch.testing.assert_close(y[:, colour == 0], other[:, colour == 0])
    assert (y != other)[:, colour == 1].any()


@pytest.mark.parametrize("block", [ResidualBottleneck, Attention])
def test_a_block_whose_last_layer_is_zero_adds_nothing(block) -> None:
    layer = block(6)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
    x = torch.rand(1, 6, 4, 4)  # Not negative, as ReLUs within Attention ask for.
    added = layer(x) - x
    torch.testing.assert_close(added, x * 0.5 if block is Attention else torch.zeros_like(x))


def test_likelihoods_are_those_of_a_distribution() -> None:
    prior = FactorisedPrior(3).double()
    symbols = torch.arange(-2000, 2001, dtype=torch.float64).expand(3, 1, -1)
    mass = prior.likelihood(symbols)
    assert (mass >= 0).all()
    torch.testing.assert_close(mass.sum(-1), torch.ones(3, 1, dtype=torch.float64))


def test_quantiles_are_where_the_mass_is() -> None:
    prior = FactorisedPrior(2).double()
    quantiles = prior.exact_quantiles()
    assert prior.quantile_loss() > 1
    prior.quantiles.data.copy_(quantiles)
    assert prior.quantile_loss() < 1e-3
    median = quantiles[:, :, 1:2]
    torch.testing.assert_close(
        prior.likelihood(median - 500.5 + torch.arange(501)).sum(-1),
        torch.full((2, 1), 0.5, dtype=torch.float64),
        atol=1e-6, rtol=0,
    )  # fmt: skip


def test_a_prior_learns_where_its_symbols_are() -> None:
    prior = FactorisedPrior(1)
    optimiser = torch.optim.Adam(prior.parameters(), lr=0.05)
    z = 3 + torch.randn(1, 1, 20, 20)
    bits = []
    for _ in range(150):
        optimiser.zero_grad()
        loss = -prior(z)[1].log2().mean()
        loss.backward()
        optimiser.step()
        bits.append(float(loss))
    assert bits[0] > 4
    assert bits[-1] < 2.6  # A Gaussian of scale 1 has 2.05 bits, and some for the added noise.
