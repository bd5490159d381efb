"""ELIC's space-channel context model (He et al. 2022, "SCCTX"), one walk for all its uses.

The channels of ŷ come in groups of growing size, each group in two passes over a checkerboard.
What a symbol is expected to be follows from the hyper-latent, from all earlier groups, and in the
second pass from the first pass of its own group::

    group k:   ŷ of groups < k ──channel context──┐
               hyper-latent's parameters ─────────┼──aggregation──► scale, mean   of the anchors
               (no spatial context)  ─────────────┘
               ŷ of the anchors ──spatial context──► the same again ► scale, mean  of the others

Training, editing and coding all walk this way; they differ in how a pass turns means and scales
into values: by straight-through rounding, by exact symbols, or by reading symbols from a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

_SMALL_GROUPS = (16, 16, 32, 64)
LEAST_LATENT_CHANNELS = sum(_SMALL_GROUPS) + 1

Pass = Callable[[slice, Tensor, Tensor, Tensor], Tensor]
"""(channels, anchors-or-others mask (h, w), means, scales) → values, both of the group's shape."""

Network = TypeVar("Network", bound=Callable[[Tensor], Tensor])


@dataclass(frozen=True)
class SpaceChannelContext(Generic[Network]):
    """The networks of the context model, in floating point or in exact arithmetic.

    Attributes:
        groups: channels of each group.
        channel_context: for each group but the first: earlier groups → 2·group channels.
        spatial_context: for each group: its anchors → 2·group channels (checkerboard mask).
        aggregation: for each group: spatial, channel and hyper parameters → scales and means.
    """

    groups: Sequence[int]
    channel_context: Sequence[Network]
    spatial_context: Sequence[Network]
    aggregation: Sequence[Network]

    def walk(self, side: Tensor, on_pass: Pass) -> tuple[Tensor, Tensor, Tensor]:
        """Return values, means and scales, each (B, M, h, w), in decoding order.

        Args:
            side: (B, 2N, h, w), the hyper-latent's parameters.
            on_pass: called twice a group; returns the values at the positions of its mask (what it
                returns elsewhere is ignored).
        """
        anchors = checkerboard(side.shape[-2], side.shape[-1], side.device)
        values: list[Tensor] = []
        means: list[Tensor] = []
        scales: list[Tensor] = []
        start = 0
        for k, group in enumerate(self.groups):
            channels = slice(start, start + group)
            start += group
            known = side
            if k > 0:
                known = torch.cat([self.channel_context[k - 1](torch.cat(values, 1)), side], 1)
            blank = known.new_zeros(known.shape[0], 2 * group, *known.shape[-2:])
            scale, mean = self.aggregation[k](torch.cat([blank, known], 1)).chunk(2, 1)
            first = on_pass(channels, anchors, mean, scale).where(anchors, 0)
            context = self.spatial_context[k](first)
            scale_2, mean_2 = self.aggregation[k](torch.cat([context, known], 1)).chunk(2, 1)
            second = on_pass(channels, ~anchors, mean_2, scale_2)
            values.append(torch.where(anchors, first, second))
            means.append(torch.where(anchors, mean, mean_2))
            scales.append(torch.where(anchors, scale, scale_2))
        return torch.cat(values, 1), torch.cat(means, 1), torch.cat(scales, 1)


def checkerboard(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Return the (height, width) mask of the anchors: true where row + column is even."""
    rows = torch.arange(height, device=device)[:, None]
    return (rows + torch.arange(width, device=device)) % 2 == 0


def elic_groups(latent_channels: int) -> tuple[int, ...]:
    """Return the channels of ELIC's five groups (He et al. 2022): the last one has the rest."""
    return (*_SMALL_GROUPS, latent_channels - sum(_SMALL_GROUPS))
