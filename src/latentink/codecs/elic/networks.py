"""ELIC's networks, trainable.

He et al. 2022, "ELIC: Efficient learned image compression with unevenly grouped space-channel
contextual adaptive coding", CVPR 2022, figures 4 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from latentink.codecs.elic.context import SpaceChannelContext
from latentink.codecs.layers.convolutions import CheckerboardConvolution, convolution, transposed
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.layers.residual import Attention, ResidualBottleneck

_CONTEXT_WIDTHS = (224, 128)
_AGGREGATION_LAYERS = 3


def _bottlenecks(channels: int) -> list[nn.Module]:
    return [ResidualBottleneck(channels) for _ in range(3)]


def analysis(channels: int, latent_channels: int) -> nn.Sequential:
    """Return g_a: (B, 3, H, W) → (B, M, H/16, W/16)."""
    return nn.Sequential(
        convolution(3, channels),
        *_bottlenecks(channels),
        convolution(channels, channels),
        *_bottlenecks(channels),
        Attention(channels),
        convolution(channels, channels),
        *_bottlenecks(channels),
        convolution(channels, latent_channels),
        Attention(latent_channels),
    )


def synthesis(channels: int, latent_channels: int) -> nn.Sequential:
    """Return g_s: (B, M, h, w) → (B, 3, 16·h, 16·w)."""
    return nn.Sequential(
        Attention(latent_channels),
        transposed(latent_channels, channels),
        *_bottlenecks(channels),
        transposed(channels, channels),
        Attention(channels),
        *_bottlenecks(channels),
        transposed(channels, channels),
        *_bottlenecks(channels),
        transposed(channels, 3),
    )


def hyper_analysis(channels: int, latent_channels: int) -> nn.Sequential:
    """Return h_a: (B, M, h, w) → (B, N, ⌈h/4⌉, ⌈w/4⌉)."""
    return nn.Sequential(
        convolution(latent_channels, channels, 3, 1),
        nn.ReLU(inplace=True),
        convolution(channels, channels),
        nn.ReLU(inplace=True),
        convolution(channels, channels),
    )


class ElicNetworks(nn.Module):
    """All networks of ELIC.

    Attributes:
        groups: Channels of each group of the context model.
    """

    def __init__(self, channels: int, latent_channels: int, groups: Sequence[int]) -> None:
        """Build them for N ``channels`` and M ``latent_channels``, the sum of ``groups``."""
        super().__init__()
        self.groups = tuple(groups)
        self.g_a = analysis(channels, latent_channels)
        self.g_s = synthesis(channels, latent_channels)
        self.h_a = hyper_analysis(channels, latent_channels)
        self.h_s = nn.Sequential(
            transposed(channels, channels),
            nn.ReLU(inplace=True),
            transposed(channels, channels * 3 // 2),
            nn.ReLU(inplace=True),
            transposed(channels * 3 // 2, channels * 2, 3, 1),
        )
        self.entropy_bottleneck = FactorisedPrior(channels)
        counts = range(len(self.groups))
        self.channel_context = nn.ModuleList(
            _chain([sum(self.groups[:k]), *_CONTEXT_WIDTHS, 2 * self.groups[k]], 5)
            for k in counts[1:]
        )
        self.spatial_context = nn.ModuleList(
            CheckerboardConvolution(group, 2 * group) for group in self.groups
        )
        self.aggregation = nn.ModuleList(
            _chain(aggregation_widths(self.groups[k], k == 0, channels), 1) for k in counts
        )

    def context(self) -> SpaceChannelContext[nn.Module]:
        """Return the context model, in training."""
        return SpaceChannelContext(
            self.groups,
            list(self.channel_context),
            list(self.spatial_context),
            list(self.aggregation),
        )


def aggregation_widths(group: int, first: bool, channels: int) -> list[int]:
    """Return the channels before, between and after an aggregation's layers.

    They fall in equal steps from the spatial context, the channel context (not in the first group)
    and the side information to scales and means; between layers there are at least 2·N.

    Example:
        >>> aggregation_widths(16, False, 64)
        [192, 138, 128, 32]
    """
    side = 2 * channels
    entry, exit_ = 2 * group * (1 if first else 2) + side, 2 * group
    inner = [
        max(entry + (exit_ - entry) * step // _AGGREGATION_LAYERS, side)
        for step in range(1, _AGGREGATION_LAYERS)
    ]
    return [entry, *inner, exit_]


def _chain(widths: Sequence[int], kernel: int) -> nn.Sequential:
    """Return convolutions of stride 1 with ReLUs between."""
    layers: list[nn.Module] = []
    for entry, exit_ in pairwise(widths):
        layers += [convolution(entry, exit_, kernel, 1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])
