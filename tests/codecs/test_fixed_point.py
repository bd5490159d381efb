"""Convolutions whose sums are exact."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latentink.codecs.fixed_point import (
    ACTIVATION_LIMIT,
    ACTIVATION_UNIT,
    FixedPointSequence,
    to_grid,
)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.ConvTranspose2d(3, 8, 5, stride=2, padding=2, output_padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 4, 3, padding=1),
    )


def test_it_computes_what_the_network_does_on_the_grid() -> None:
    floating, exact = network(), FixedPointSequence(network())
    values = torch.randn(1, 3, 6, 5)
    made = exact(values.double())
    torch.testing.assert_close(made.float(), floating(values), atol=1e-3, rtol=0)
    assert torch.equal(made, to_grid(made, ACTIVATION_UNIT))
    assert torch.equal(exact(1e9 * values.sign().double()), exact(ACTIVATION_LIMIT * values.sign()))


def test_the_order_of_sums_makes_no_difference() -> None:
    exact, reordered = network(), network()
    order = torch.randperm(8)
    reordered[0].weight.data = exact[0].weight.data[:, order]
    reordered[0].bias.data = exact[0].bias.data[order]
    reordered[2].weight.data = exact[2].weight.data[:, order]
    values = 100 * torch.randn(1, 3, 6, 5, dtype=torch.float64)
    assert torch.equal(FixedPointSequence(exact)(values), FixedPointSequence(reordered)(values))


def test_networks_that_cannot_be_exact_are_refused() -> None:
    with pytest.raises(ValueError, match="no exact arithmetic for Sigmoid"):
        FixedPointSequence(nn.Sequential(nn.Sigmoid()))
    with pytest.raises(ValueError, match="needs a bias"):
        FixedPointSequence(nn.Sequential(nn.Conv2d(1, 1, 1, bias=False)))
    large = nn.Conv2d(1, 1, 1)
    large.weight.data.fill_(2.0**20)
    with pytest.raises(ValueError, match="too large"):
        FixedPointSequence(nn.Sequential(large))


def test_a_part_of_the_picture_has_the_same_side_information(codec):
    generator = torch.Generator().manual_seed(0)
    shape = (1, codec.hyper_channels, 4, 4)
    hyper_latent = torch.randint(-9, 10, shape, generator=generator).double()
    whole = codec.h_s(hyper_latent)
    # A crop with a wide halo sums the same products in other blocks.
    part = codec.h_s(hyper_latent[..., :, :3])
    assert torch.equal(whole[..., :, :4], part[..., :, :4])
    assert torch.equal(whole, torch.round(whole * 2**13) / 2**13)
