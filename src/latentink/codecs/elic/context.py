"""ELIC's space-channel context model (He et al. 2022, section 3.3, "SCCTX").

The channels of v̂ are coded in groups of growing size, and each group in two passes over a
checkerboard: first the anchors, where row + column is even, then the others. Mean and scale of a
symbol follow from the hyper-latent, from all earlier groups, and in the second pass also from the
anchors of its own group::

    group k:   v̂ of groups < k ──channel context──┐
               side information, from h_s ────────┼──aggregation──► scale, mean   of the anchors
               zeros ─────────────────────────────┘
               v̂ of the anchors ──spatial context──► in place of zeros ──► the same of the others

Training and editing use the model in the same order and differ in how they get the values of a pass
from its means and scales. Coding uses it in exact arithmetic (entropy_model.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

Pass = Callable[[slice, Tensor, Tensor, Tensor], Tensor]
"""Gives the values of a pass: (channels, mask, means, scales) → values.

``channels`` are those of the group, ``mask`` (h, w) is true at the positions of the pass; means,
scales and values are (B, C, h, w), C the group's channels.
"""

Network = TypeVar("Network", bound=Callable[[Tensor], Tensor])


@dataclass(frozen=True)
class SpaceChannelContext(Generic[Network]):
    """The networks of the context model, in floating point.

    Attributes:
        groups: Channels of each group.
        channel_context: For each group but the first: maps v̂ of earlier groups to twice the group's
            channels.
        spatial_context: For each group: maps v̂ of its anchors to twice its channels.
        aggregation: For each group: maps spatial context, channel context and side information to
            scales and means.
    """

    groups: Sequence[int]
    channel_context: Sequence[Network]
    spatial_context: Sequence[Network]
    aggregation: Sequence[Network]

    def mapped(self, change: Callable[[Network], Network]) -> SpaceChannelContext[Network]:
        """Return the context model with ``change`` applied to each network."""
        return SpaceChannelContext(
            self.groups,
            [change(network) for network in self.channel_context],
            [change(network) for network in self.spatial_context],
            [change(network) for network in self.aggregation],
        )

    def walk(self, side: Tensor, on_pass: Pass) -> tuple[Tensor, Tensor, Tensor]:
        """Go through all passes; return values, means and scales, each (B, M, h, w).

        Args:
            side: (B, C, h, w), what h_s returns.
            on_pass: Called for each pass in coding order; returns values, which are ignored outside
                of the pass's mask.
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
    """Return the (height, width) mask of the anchors, which are where row + column is even.

    Example:
        >>> checkerboard(2, 3)
        tensor([[ True, False,  True],
                [False,  True, False]])
    """
    rows = torch.arange(height, device=device)[:, None]
    return (rows + torch.arange(width, device=device)) % 2 == 0
