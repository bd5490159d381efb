"""ELIC in use, with its context model in exact arithmetic.

He et al., "ELIC: Efficient Learned Image Compression with Unevenly Grouped Space-Channel Contextual
Adaptive Coding", CVPR 2022. A symbol is v less its mean, rounded: symbol = round(v − μ) and
v̂ = symbol + μ. Means and scales follow from ẑ and from the values that were decoded before
(context.py). All of these lie on the grid of fixed_point.py, so that sender and receiver compute
the same means and scales to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from latentink.codecs.codec import Chooser, Codec, Latents, Relaxed, Rounding, nearest
from latentink.codecs.elic.context import SpaceChannelContext, checkerboard, elic_groups
from latentink.codecs.elic.networks import analysis, hyper_analysis, synthesis
from latentink.codecs.entropy_tables import SCALE_MINIMUM
from latentink.codecs.fixed_point import FixedPointSequence
from latentink.codecs.normalisation import laid_out
from latentink.codecs.rans.decoder import Decoder
from latentink.codecs.registry import CodecSpec
from latentink.codecs.tiling import Part, apply_in_parts
from latentink.codecs.weights_file import network_tensors
from latentink.devices import on_device
from latentink.errors import unfit_weights
from latentink.geometry import Rectangle
from latentink.losses.rate import gaussian_bits
from latentink.tensor_files import fill
from latentink.threads import working_alone


class ElicCodec(Codec):
    """ELIC in use; its side information is what h_s returns.

    The widths of the context networks follow from the tensors, because CompressAI's two variants of
    ELIC have different ones.
    """

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
        self, spec: CodecSpec, tensors: dict[str, Tensor], fingerprint: bytes, origin: str
    ) -> None:
        """Build the codec from a weights file, which errors call ``origin``.

        Raises:
            WeightsError: A tensor is missing, surplus or of another shape.
        """
        super().__init__(spec, tensors, fingerprint)
        self.groups = elic_groups(self.latent_channels)
        sizes = self.hyper_channels, self.latent_channels
        with torch.device("meta"):
            g_a, g_s, h_a = analysis(*sizes), synthesis(*sizes), hyper_analysis(*sizes)
        for name, network in (("g_a", g_a), ("g_s", g_s), ("h_a", h_a)):
            fill(network, network_tensors(tensors, name), f"{origin}, {name}")
        self.g_a, self.g_s, self.h_a = laid_out(g_a), laid_out(g_s), h_a
        h_s = hyper_synthesis(network_tensors(tensors, "h_s"), f"{origin}, h_s")
        self.h_s = FixedPointSequence(h_s)
        side_channels = len(tensors["h_s.4.bias"])
        context = context_networks(tensors, self.groups, side_channels, origin)
        self.context, self._exact_context = context, exact(context)

    def on(self, device: torch.device) -> ElicCodec:
        """Return the codec with g_s and the context model in floating point on ``device``."""
        moved = super().on(device)
        assert isinstance(moved, ElicCodec)
        if moved is not self:
            moved.context = self.context.mapped(lambda network: on_device(network, device))
        return moved

    def _hyper_transform(self, v: Tensor) -> Tensor:
        return apply_in_parts(self.h_a, v, self.hyper_parts)

    @working_alone()
    @torch.no_grad()
    def side(self, z: np.ndarray, size: tuple[int, int]) -> Tensor:
        """Return what h_s makes of ẑ for the context model: (1, C, h, w) float64."""
        return self._hyper_synthesis(z, size)

    @working_alone()
    def quantise(
        self,
        v: Tensor,
        z: np.ndarray,
        quality_code: int,
        choose: Chooser = nearest,
        side: Tensor | None = None,
    ) -> Latents:
        """Return latents with the symbols that ``choose`` makes of v − μ; see the base class."""
        exact_v = v.double()
        passes = iter(self.passes(v.shape[1:]))

        def symbols_of(channels: slice, mask: Tensor, means: Tensor, indexes: Tensor) -> Tensor:
            symbols = torch.zeros_like(means)
            values = (exact_v[:, channels] - means)[0][:, mask]
            rows = indexes[0][:, mask].numpy().ravel()
            chosen = choose(next(passes), values.numpy().ravel(), rows)
            symbols[0][:, mask] = torch.from_numpy(chosen).double().view(values.shape)
            return symbols

        side = self.side(z, (v.shape[-2], v.shape[-1])) if side is None else side
        return self._latents(symbols_of, z, side, quality_code)

    def _decode_latent(
        self, decoder: Decoder, z: np.ndarray, size: tuple[int, int], quality_code: int
    ) -> Latents:
        def symbols_of(channels: slice, mask: Tensor, means: Tensor, indexes: Tensor) -> Tensor:
            symbols = torch.zeros_like(means)
            read = decoder.read(indexes[0][:, mask].numpy(), self._gaussian)
            symbols[0][:, mask] = torch.from_numpy(read).double()
            return symbols

        return self._latents(symbols_of, z, self.side(z, size), quality_code)

    @torch.no_grad()
    def _latents(
        self,
        symbols_of: Callable[[slice, Tensor, Tensor, Tensor], Tensor],
        z: np.ndarray,
        side: Tensor,
        quality_code: int,
    ) -> Latents:
        """Return the latents whose symbols ``symbols_of`` gives, pass by pass.

        Args:
            symbols_of: Maps channels of a group, the mask (h, w) of a pass, means and rows of the
                Gaussian table, both (1, C, h, w), to symbols of the same shape; those outside of
                the mask are ignored.
            z: Symbols of the hyper-latent.
            side: What :meth:`side` returns for it.
            quality_code: The quality in units of ``QUALITY_UNIT``.
        """
        shape = (self.latent_channels, *side.shape[-2:])
        y, table_rows = torch.zeros(shape, dtype=torch.int32), torch.zeros(shape, dtype=torch.uint8)

        def on_pass(channels: slice, mask: Tensor, means: Tensor, scales: Tensor) -> Tensor:
            indexes = self.table_indexes(scales)
            symbols = symbols_of(channels, mask, means, indexes)
            y[channels] = torch.where(mask, symbols[0].int(), y[channels])
            table_rows[channels] = torch.where(mask, indexes[0], table_rows[channels])
            return symbols + means

        values, _, _ = self._exact_context.walk(side, on_pass)
        return Latents(y.numpy(), z, quality_code, values[0].float().numpy(), table_rows.numpy())

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

    def passes(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return ten passes: for each group its anchors, then its other positions."""
        places = np.arange(np.prod(shape)).reshape(shape)
        anchors = checkerboard(shape[1], shape[2]).numpy()
        parts, start = [], 0
        for group in self.groups:
            for mask in (anchors, ~anchors):
                parts.append(places[start : start + group][:, mask].ravel())
            start += group
        return parts


def hyper_synthesis(tensors: Mapping[str, Tensor], origin: str) -> nn.Sequential:
    """Return ELIC's h_s: transposed convolutions of 5×5, 5×5 and 3×3 with ReLUs between.

    Args:
        tensors: Its parameters by name; the widths follow from them.
        origin: What errors call them.

    Raises:
        WeightsError: A tensor is missing, surplus or of another shape.
    """
    weights = [_shaped(tensors, f"{layer}.weight", 4, origin) for layer in (0, 2, 4)]
    layers: list[nn.Module] = []
    for weight, stride in zip(weights, (2, 2, 1), strict=True):
        kernel = weight.shape[-1]
        layers += [
            nn.ConvTranspose2d(
                weight.shape[0],
                weight.shape[1],
                kernel,
                stride,
                padding=kernel // 2,
                output_padding=stride - 1,
                device="meta",
            ),
            nn.ReLU(),
        ]
    network = nn.Sequential(*layers[:-1])
    fill(network, tensors, origin)
    return network


def context_networks(
    tensors: Mapping[str, Tensor], groups: tuple[int, ...], side_channels: int, origin: str
) -> SpaceChannelContext[nn.Sequential]:
    """Return the context model in float32.

    Args:
        tensors: Those of a weights file; the widths between the layers follow from them.
        groups: Channels of each group.
        side_channels: Channels of what h_s returns.
        origin: What errors call the tensors.

    Raises:
        WeightsError: A network is missing or does not fit its neighbours.
    """

    def chain(name: str, entry: int, exit_: int) -> nn.Sequential:
        own, place = network_tensors(tensors, name), f"{origin}, {name}"
        network = convolutions(own, place)
        weights = [parameter for parameter in network.parameters() if parameter.ndim == 4]
        if weights[0].shape[1] != entry or weights[-1].shape[0] != exit_:
            raise unfit_weights(
                f"{place} maps {weights[0].shape[1]} to {weights[-1].shape[0]} channels "
                f"instead of {entry} to {exit_}"
            )
        return network

    channel, spatial, aggregation = [], [], []
    for k, group in enumerate(groups):
        spatial.append(chain(f"spatial_context.{k}", group, 2 * group))
        if k > 0:
            channel.append(chain(f"channel_context.{k}", sum(groups[:k]), 2 * group))
        entry = 2 * group * (2 if k > 0 else 1) + side_channels
        aggregation.append(chain(f"aggregation.{k}", entry, 2 * group))
    return SpaceChannelContext(groups, channel, spatial, aggregation)


def convolutions(tensors: Mapping[str, Tensor], origin: str) -> nn.Sequential:
    """Return convolutions that keep the size, with ReLUs between.

    Args:
        tensors: Their parameters by name; kernels and widths follow from them.
        origin: What errors call them.

    Raises:
        WeightsError: A tensor is missing, surplus or of another shape.
    """
    layers: list[nn.Module] = []
    for number in range(0, max(len(tensors), 1), 2):
        weight = _shaped(tensors, f"{number}.weight", 4, origin)
        kernel = weight.shape[-1]
        layers += [
            nn.Conv2d(weight.shape[1], weight.shape[0], kernel, padding=kernel // 2, device="meta"),
            nn.ReLU(),
        ]
    network = nn.Sequential(*layers[:-1])
    fill(network, tensors, origin)
    return network


def _shaped(tensors: Mapping[str, Tensor], name: str, dimensions: int, origin: str) -> Tensor:
    if name not in tensors:
        raise unfit_weights(f"{origin} misses tensor {name!r}")
    if tensors[name].ndim != dimensions:
        raise unfit_weights(f"{origin}: tensor {name!r} has {tensors[name].ndim} dimensions")
    return tensors[name]


def exact(
    context: SpaceChannelContext[nn.Sequential],
) -> SpaceChannelContext[Callable[[Tensor], Tensor]]:
    """Return the context model in exact arithmetic."""
    return SpaceChannelContext(
        context.groups,
        [FixedPointSequence(network) for network in context.channel_context],
        [FixedPointSequence(network) for network in context.spatial_context],
        [FixedPointSequence(network) for network in context.aggregation],
    )
