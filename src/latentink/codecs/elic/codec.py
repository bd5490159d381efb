"""ELIC in use: its transforms, and its rate for the editor.

He et al., "ELIC: Efficient Learned Image Compression with Unevenly Grouped Space-Channel Contextual
Adaptive Coding", CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from latentink.codecs.codec import Codec, Relaxed, Rounding
from latentink.codecs.elic.context import SpaceChannelContext
from latentink.codecs.elic.entropy_model import CONTEXT_NETWORKS
from latentink.codecs.elic.groups import elic_groups
from latentink.codecs.elic.networks import analysis, hyper_analysis, synthesis
from latentink.codecs.entropy_model import EntropyModel
from latentink.codecs.entropy_tables import SCALE_MINIMUM
from latentink.codecs.normalisation import laid_out
from latentink.codecs.tiling import Part, apply_in_parts
from latentink.codecs.weights_packing import network_tensors
from latentink.devices import on_device
from latentink.geometry import Rectangle
from latentink.losses.rate import gaussian_bits
from latentink.tensor_files import fill
from latentink.threads import working_alone


class ElicCodec(Codec):
    """ELIC in use."""

    # Both transforms reach 132 pixels, because of the attention at strides 16 and 4.
    analysis_halo: ClassVar[int] = 144
    synthesis_halo: ClassVar[int] = 9
    # Layers of a strip are below 32 MB, the most that malloc keeps for the next.
    analysis_parts = (
        Part(5, 256, 12, Fraction(1, 4)),
        Part(5, 128, 8, Fraction(1, 2)),
        Part(4, 128, 6, Fraction(1, 2)),
        Part(1, 64, 3, Fraction(1)),
    )
    synthesis_parts = (
        Part(1, 64, 3, Fraction(1)),
        Part(5, 64, 4, Fraction(4)),
        Part(4, 128, 6, Fraction(1)),
        Part(5, 64, 4, Fraction(4)),
    )
    hyper_parts = (Part(5, 64, 8, Fraction(1, 4)),)

    def __init__(
        self, entropy: EntropyModel, tensors: Mapping[str, np.ndarray], origin: str
    ) -> None:
        """Build the codec from a weights file, which errors call ``origin``.

        Raises:
            WeightsError: A tensor is missing, surplus or of another shape.
        """
        super().__init__(entropy, tensors)
        sizes = entropy.hyper_channels, entropy.latent_channels
        with torch.device("meta"):
            g_a, g_s, h_a = analysis(*sizes), synthesis(*sizes), hyper_analysis(*sizes)
        for name, network in (("g_a", g_a), ("g_s", g_s), ("h_a", h_a)):
            fill(network, network_tensors(tensors, name), f"{origin}, {name}")
        with working_alone():
            self.g_a, self.g_s, self.h_a = laid_out(g_a), laid_out(g_s), h_a
        self.context = context_networks(tensors, elic_groups(entropy.latent_channels))

    def on(self, device: torch.device) -> ElicCodec:
        """Return the codec with g_s and the context model in floating point on ``device``."""
        moved = super().on(device)
        assert isinstance(moved, ElicCodec)
        if moved is not self:
            moved.context = self.context.mapped(lambda network: on_device(network, device))
        return moved

    def _hyper_transform(self, v: Tensor) -> Tensor:
        return apply_in_parts(self.h_a, v, self.hyper_parts)

    def conditions(self, side: np.ndarray) -> Tensor:
        """Return what h_s returned, (1, C, h, w) float32."""
        return torch.from_numpy(side).float()[None]

    def relax(
        self, v: Tensor, side: Tensor, core: Rectangle, rounding: Rounding, rate_rounding: Rounding
    ) -> Relaxed:
        """Return v̂ and the rate with relaxed rounding; see the base class.

        The gradient passes through the context model, here in floating point.
        """

        def on_pass(channels: slice, mask: Tensor, means: Tensor, scales: Tensor) -> Tensor:
            own_means = means.float()
            return rounding(v[:, channels] - own_means) + own_means

        values, means, scales = self.context.walk(side, on_pass)
        centred = (v - means.float())[..., core.rows, core.columns]
        own_scales = scales.float()[..., core.rows, core.columns].clamp_min(SCALE_MINIMUM)
        return Relaxed(values, gaussian_bits(rate_rounding(centred), own_scales))


def context_networks(
    tensors: Mapping[str, np.ndarray], groups: tuple[int, ...]
) -> SpaceChannelContext[nn.Sequential]:
    """Return the context model in float32, of tensors that the entropy model has checked."""
    channel, spatial, aggregation = (
        [
            convolutions(network_tensors(tensors, f"{name}.{k}"))
            for k in range(len(groups))
            if k > 0 or name != "channel_context"
        ]
        for name in CONTEXT_NETWORKS
    )
    return SpaceChannelContext(groups, channel, spatial, aggregation)


def convolutions(tensors: Mapping[str, Tensor]) -> nn.Sequential:
    """Return convolutions that keep the size, with ReLUs between.

    Args:
        tensors: Their parameters by name; kernels and widths follow from them.
    """
    layers: list[nn.Module] = []
    for number in range(0, len(tensors), 2):
        weight = tensors[f"{number}.weight"]
        kernel = weight.shape[-1]
        layers += [
            nn.Conv2d(weight.shape[1], weight.shape[0], kernel, padding=kernel // 2, device="meta"),
            nn.ReLU(),
        ]
    network = nn.Sequential(*layers[:-1])
    fill(network, tensors, "the context model")
    return network
