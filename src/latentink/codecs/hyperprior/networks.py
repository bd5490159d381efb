"""The scale hyperprior's networks, trainable (Ballé et al. 2018, figure 4)."""

from __future__ import annotations

from torch import nn

from latentink.codecs.layers.convolutions import convolution, transposed
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.layers.gdn import Gdn

NETWORKS = ("g_a", "g_s", "h_a", "h_s")


class HyperpriorNetworks(nn.Module):
    """The networks (figure 4 of the paper), trainable; with the names of CompressAI's checkpoints.

    ``g_a``: (B, 3, H, W) → (B, M, H/16, W/16), ``g_s`` back; ``h_a``: (B, M, h, w) → (B, N, ⌈h/4⌉,
    ⌈w/4⌉), ``h_s`` back, to scales.
    """

    def __init__(self, channels: int, latent_channels: int) -> None:
        """Build them for N ``channels`` and M ``latent_channels``."""
        super().__init__()
        self.entropy_bottleneck = FactorisedPrior(channels)
        self.g_a = nn.Sequential(
            convolution(3, channels),
            Gdn(channels),
            convolution(channels, channels),
            Gdn(channels),
            convolution(channels, channels),
            Gdn(channels),
            convolution(channels, latent_channels),
        )
        self.g_s = nn.Sequential(
            transposed(latent_channels, channels),
            Gdn(channels, inverse=True),
            transposed(channels, channels),
            Gdn(channels, inverse=True),
            transposed(channels, channels),
            Gdn(channels, inverse=True),
            transposed(channels, 3),
        )
        self.h_a = nn.Sequential(
            convolution(latent_channels, channels, 3, 1),
            nn.ReLU(inplace=True),
            convolution(channels, channels),
            nn.ReLU(inplace=True),
            convolution(channels, channels),
        )
        self.h_s = nn.Sequential(
            transposed(channels, channels),
            nn.ReLU(inplace=True),
            transposed(channels, channels),
            nn.ReLU(inplace=True),
            convolution(channels, latent_channels, 3, 1),
            nn.ReLU(inplace=True),
        )
