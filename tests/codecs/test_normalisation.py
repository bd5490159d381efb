"""The fixed normalisation is the trainable one, forwards and backwards."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latentink.codecs.layers.gdn import Gdn
from latentink.codecs.normalisation import FixedGdn, laid_out


def trained(channels: int, inverse: bool) -> Gdn:
    layer = Gdn(channels, inverse=inverse)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        layer.gamma += 0.05 * torch.rand(layer.gamma.shape, generator=generator)
        layer.beta += torch.rand(layer.beta.shape, generator=generator)
    return layer


@pytest.mark.parametrize("inverse", [True, False])
def test_values_and_gradient_are_those_of_the_trainable_layer(inverse):
    layer = trained(24, inverse)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 24, 37, 41, generator=generator, requires_grad=True)
    weight = torch.randn(x.shape, generator=generator)
    expected, own = layer(x), FixedGdn(layer)(x)
    torch.testing.assert_close(own, expected)
    slopes = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (own, expected)]
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("inverse", [True, False])
def test_the_gradient_is_the_numerical_one(inverse):
    layer = FixedGdn(trained(3, inverse)).double()
    x = torch.linspace(-2, 2, 60, dtype=torch.float64).view(1, 3, 4, 5).requires_grad_()
    assert torch.autograd.gradcheck(layer, x)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("inverse", [True, False])
def test_the_number_of_threads_changes_no_bit(inverse, precision):
    layer = FixedGdn(trained(16, inverse))
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(1, 16, 70, 50, generator=generator).to(precision).requires_grad_()
    outcomes = []
    before = torch.get_num_threads()
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        y = layer(x)
        outcomes.append((y, torch.autograd.grad(y.square().sum(), x)[0]))
    torch.set_num_threads(before)
    for y, slope in outcomes[1:]:
        assert torch.equal(y, outcomes[0][0])
        assert torch.equal(slope, outcomes[0][1])


def test_laying_out_reaches_layers_within_layers():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(trained(8, False), nn.ReLU()))
    x = torch.rand(1, 3, 9, 9)
    expected = network(x)
    torch.testing.assert_close(laid_out(network)(x), expected)
    assert isinstance(network[1][0], FixedGdn)
