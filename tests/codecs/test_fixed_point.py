"""Convolutions whose sums are exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from latentink.codecs.fixed_point import (
    ACTIVATION_LIMIT,
    ACTIVATION_UNIT,
    Convolution,
    FixedPointSequence,
    to_grid,
)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.ConvTranspose2d(3, 8, 5, stride=2, padding=2, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 6, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 6, 1),
        nn.ReLU(),
        nn.Conv2d(6, 4, 5, padding=2),
    )


def exact(network: nn.Sequential) -> FixedPointSequence:
    return FixedPointSequence(
        [
            Convolution(
                layer.weight.detach().numpy(),
                layer.bias.detach().numpy(),
                transposed=isinstance(layer, nn.ConvTranspose2d),
                stride=layer.stride[0],
                rectified=layer is not network[-1],
            )
            for layer in network
            if not isinstance(layer, nn.ReLU)
        ]
    )


def test_it_computes_what_pytorch_does_on_the_grid() -> None:
    floating = network()
    values = torch.randn(3, 6, 5)
    made = exact(floating)(values.double().numpy())
    np.testing.assert_allclose(made, floating(values).detach().numpy(), atol=1e-3, rtol=0)
    np.testing.assert_array_equal(made, to_grid(made, ACTIVATION_UNIT))
    signs = values.sign().double().numpy()
    np.testing.assert_array_equal(
        exact(floating)(1e9 * signs), exact(floating)(ACTIVATION_LIMIT * signs)
    )


def test_pytorch_in_float64_makes_the_same_of_weights_on_the_grid() -> None:
    """A layer in float64 sums exactly, too: the last convolution's output is equal to the bit."""
    torch.manual_seed(1)
    layer = nn.Conv2d(5, 7, 3, padding=1).double()
    for parameter in layer.parameters():
        parameter.data = torch.from_numpy(to_grid(parameter.detach().numpy(), 2.0**-16))
    values = torch.from_numpy(to_grid(100 * torch.randn(5, 9, 8).numpy(), ACTIVATION_UNIT))
    expected = to_grid(layer(values).detach().numpy(), ACTIVATION_UNIT)
    np.testing.assert_array_equal(exact(nn.Sequential(layer))(values.numpy()), expected)


def test_the_order_of_sums_makes_no_difference() -> None:
    plain, reordered = network(), network()
    order = torch.randperm(8)
    reordered[0].weight.data = plain[0].weight.data[:, order]
    reordered[0].bias.data = plain[0].bias.data[order]
    reordered[2].weight.data = plain[2].weight.data[order]
    values = 100 * np.random.default_rng(0).normal(size=(3, 6, 5))
    np.testing.assert_array_equal(exact(plain)(values), exact(reordered)(values))


def test_what_is_wanted_of_the_result_is_computed_strip_by_strip() -> None:
    chain = exact(network())
    values = np.random.default_rng(0).normal(size=(3, 6, 5))
    signs = chain.units(values, lambda units: units > 0)
    assert signs.dtype == bool
    np.testing.assert_array_equal(signs, chain(values) > 0)


def test_weights_that_cannot_be_exact_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        FixedPointSequence([Convolution(np.full((1, 1, 1, 1), 2.0**20), np.zeros(1))])


def test_taps_of_zero_are_not_computed() -> None:
    weight = np.zeros((2, 3, 5, 5))
    weight[:, :, 2, 1] = 0.5
    chain = FixedPointSequence([Convolution(weight, np.ones(2))])
    values = np.arange(24.0).reshape(3, 2, 4)
    shifted = np.pad(values, ((0, 0), (0, 0), (1, 0)))[:, :, :4]
    np.testing.assert_array_equal(chain(values)[0], 1 + 0.5 * shifted.sum(0))


def test_a_part_of_the_picture_has_the_same_side_information(codec):
    generator = np.random.default_rng(0)
    z = generator.integers(-9, 10, (codec.entropy.hyper_channels, 4, 4)).astype(np.int32)
    whole = codec.entropy.side(z, (16, 16))
    # A crop with a wide halo sums the same products in other blocks.
    part = codec.entropy.side(np.ascontiguousarray(z[:, :, :3]), (16, 12))
    np.testing.assert_array_equal(whole[:, :, :4], part[:, :, :4])
