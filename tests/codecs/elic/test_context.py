"""ELIC's context model: what a symbol's mean and scale depend on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from latentink.codecs.elic.context import SpaceChannelContext, checkerboard
from latentink.codecs.elic.groups import elic_groups

GROUPS = (2, 3)
SIDE_CHANNELS = 4


def mixing(entry: int, exit_: int, seed: int) -> Callable[[Tensor], Tensor]:
    """Return a 3×3 convolution with fixed random weights."""
    generator = torch.Generator().manual_seed(seed)
    kernel = torch.randn(exit_, entry, 3, 3, generator=generator)
    return lambda values: torch.nn.functional.conv2d(values, kernel, padding=1)


@pytest.fixture
def context() -> SpaceChannelContext[Callable[[Tensor], Tensor]]:
    return SpaceChannelContext(
        GROUPS,
        channel_context=[mixing(2, 6, 1)],
        spatial_context=[mixing(2, 4, 2), mixing(3, 6, 3)],
        aggregation=[mixing(4 + SIDE_CHANNELS, 4, 4), mixing(12 + SIDE_CHANNELS, 6, 5)],
    )


def test_means_and_scales_depend_on_earlier_passes_alone(context) -> None:
    side = torch.randn(1, SIDE_CHANNELS, 5, 6)
    values = torch.randn(1, sum(GROUPS), 5, 6)
    anchors = checkerboard(5, 6)
    passes = [
        (channels, mask) for channels in (slice(0, 2), slice(2, 5)) for mask in (anchors, ~anchors)
    ]

    def walked(given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return context.walk(side, lambda channels, mask, means, scales: given[:, channels])

    made, means, scales = walked(values)
    assert torch.equal(made, values)
    for number, (channels, mask) in enumerate(passes):
        changed = values.clone()
        changed[:, channels][..., mask] += 1
        _, other_means, other_scales = walked(changed)
        for later, (its_channels, its_mask) in enumerate(passes):
            same = all(
                torch.equal(a[:, its_channels][..., its_mask], b[:, its_channels][..., its_mask])
                for a, b in ((means, other_means), (scales, other_scales))
            )
            # The others of a group do not see each other, and the next group sees both.
            assert same == (later <= number), (number, later)


def test_the_last_group_has_the_rest() -> None:
    assert elic_groups(320) == (16, 16, 32, 64, 192)
    assert sum(elic_groups(256)) == 256
