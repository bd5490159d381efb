"""The codecs as trainable models: CompressAI's networks, gain vectors, and relaxed rounding.

::

    x ──g_a──► y ──×g──► v ──relaxed rounding──► v̂ ──×g'──g_s──► x̂
                         │            ▲ scales (and means)
                        h_a ──► z ──entropy bottleneck──► ẑ ──h_s (ELIC: and the context model)

All of v, v̂, means and scales are in units of symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from compressai.entropy_models import EntropyBottleneck
from compressai.layers import CheckerboardMaskedConv2d
from compressai.models.google import ScaleHyperprior
from compressai.models.sensetime import Elic2022Official
from compressai.ops import LowerBound
from torch import Tensor, nn

from latentink.codecs.entropy_tables import SCALE_MINIMUM
from latentink.codecs.gains import Gains
from latentink.codecs.space_channel_context import SpaceChannelContext
from latentink.codecs.weights_file import pack_weights
from latentink.losses.rate import gaussian_information
from latentink.relaxations.straight_through import straight_through

_SMALL_GROUPS = (16, 16, 32, 64)


def elic_groups(latent_channels: int) -> tuple[int, ...]:
    """Return the channels of ELIC's five groups (He et al. 2022): the last one has the rest."""
    return (*_SMALL_GROUPS, latent_channels - sum(_SMALL_GROUPS))


@dataclass(frozen=True)
class Reconstruction:
    """What a model makes of a batch.

    Attributes:
        picture: (B, 3, H, W), not clipped.
        y_bits: (B,), of the latent.
        z_bits: (B,), of the hyper-latent.
    """

    picture: Tensor
    y_bits: Tensor
    z_bits: Tensor


class HyperpriorModel(nn.Module):
    """The scale hyperprior (Ballé et al. 2018) with gains."""

    def __init__(self, channels: int, latent_channels: int, qualities: Sequence[float]) -> None:
        super().__init__()
        self.network = ScaleHyperprior(channels, latent_channels)
        self.gains = Gains(qualities, latent_channels)
        self.scale_bound = LowerBound(SCALE_MINIMUM)

    def forward(self, picture: Tensor, quality: Tensor, rounded: bool) -> Reconstruction:
        """Code ``picture`` (B, 3, H, W) at ``quality`` (B,).

        In evaluation mode the rate is that of rounded values: what a file would take.

        Args:
            picture: in [0, 1], sides multiples of 64.
            quality: of each picture.
            rounded: whether g_s sees rounded values (straight-through gradient) or, like
                the rate always, additive uniform noise.
        """
        network = self.network
        gain, inverse = self.gains(quality)
        values = network.g_a(picture) * gain
        z_hat, z_likelihoods = hyper_latent(network.entropy_bottleneck, network.h_a(values.abs()))
        scales = self.scale_bound(network.h_s(z_hat).float())
        values = values.float()
        noisy = values + uniform_noise(values) if self.training else straight_through(values)
        seen = straight_through(values) if rounded else noisy
        return Reconstruction(
            network.g_s(seen * inverse).float(),
            gaussian_information(noisy, scales).sum((1, 2, 3)),
            -z_likelihoods.log2().sum((1, 2, 3)),
        )


class ElicModel(nn.Module):
    """ELIC (He et al. 2022; the paper's table 5) with gains."""

    def __init__(self, channels: int, latent_channels: int, qualities: Sequence[float]) -> None:
        super().__init__()
        self.network = Elic2022Official(channels, latent_channels, elic_groups(latent_channels))
        self.gains = Gains(qualities, latent_channels)
        self.scale_bound = LowerBound(SCALE_MINIMUM)

    def forward(self, picture: Tensor, quality: Tensor, rounded: bool) -> Reconstruction:
        """Code a batch; arguments as for :class:`HyperpriorModel`."""
        hyper = self.network.latent_codec["hyper"]
        gain, inverse = self.gains(quality)
        values = self.network.g_a(picture) * gain
        z_hat, z_likelihoods = hyper_latent(hyper.entropy_bottleneck, hyper.h_a(values))
        values = values.float()
        noisy = values + uniform_noise(values)

        def on_pass(channels: slice, mask: Tensor, means: Tensor, scales: Tensor) -> Tensor:
            if not rounded:
                return noisy[:, channels]
            own_means = means.float()
            return straight_through(values[:, channels] - own_means) + own_means

        seen, means, scales = context_of(self.network).walk(hyper.h_s(z_hat), on_pass)
        coded = noisy if self.training else seen
        information = gaussian_information(coded - means, self.scale_bound(scales.float()))
        return Reconstruction(
            self.network.g_s(seen * inverse).float(),
            information.sum((1, 2, 3)),
            -z_likelihoods.log2().sum((1, 2, 3)),
        )


CodecModel = HyperpriorModel | ElicModel
MODELS: dict[str, type[HyperpriorModel] | type[ElicModel]] = {
    "hyperprior": HyperpriorModel,
    "elic": ElicModel,
}


def context_of(network: Elic2022Official) -> SpaceChannelContext[nn.Module]:
    """Return the context model of CompressAI's network."""
    groups = network.latent_codec["y"]
    count = len(network.groups)
    return SpaceChannelContext(
        groups=network.groups,
        channel_context=[groups.channel_context[f"y{k}"] for k in range(1, count)],
        spatial_context=[groups[f"y{k}"].context_prediction for k in range(count)],
        aggregation=[groups[f"y{k}"].entropy_parameters for k in range(count)],
    )


def hyper_latent(bottleneck: EntropyBottleneck, z: Tensor) -> tuple[Tensor, Tensor]:
    """Return ẑ, rounded straight through, and the likelihoods of z with noise, in float32."""
    with torch.autocast(z.device.type, enabled=False):
        z = z.float()
        _, likelihoods = bottleneck(z)
        medians = bottleneck.quantiles[:, 0, 1].detach().view(1, -1, 1, 1)
        return straight_through(z - medians) + medians, likelihoods


def uniform_noise(values: Tensor) -> Tensor:
    """Return noise in [−½, ½) of the shape of ``values``, float32."""
    return torch.rand(values.shape, device=values.device) - 0.5


def networks_of(model: CodecModel) -> dict[str, nn.Module]:
    """Return the networks of a model as a weights file (weights_file.py) names them."""
    if isinstance(model, HyperpriorModel):
        return {name: getattr(model.network, name) for name in ("g_a", "g_s", "h_a", "h_s")}
    hyper = model.network.latent_codec["hyper"]
    named: dict[str, nn.Module] = {"g_a": model.network.g_a, "g_s": model.network.g_s}
    named |= {"h_a": hyper.h_a, "h_s": hyper.h_s}
    context = context_of(model.network)
    for k in range(len(context.groups)):
        named[f"spatial_context.{k}"] = nn.Sequential(context.spatial_context[k])
        named[f"aggregation.{k}"] = context.aggregation[k]
        if k > 0:
            named[f"channel_context.{k}"] = context.channel_context[k - 1]
    return named


def bottleneck_of(model: CodecModel) -> EntropyBottleneck:
    """Return CompressAI's entropy bottleneck of the hyper-latent."""
    if isinstance(model, HyperpriorModel):
        return model.network.entropy_bottleneck
    return model.network.latent_codec["hyper"].entropy_bottleneck


def weights_of(model: CodecModel, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the tensors of a weights file (weights_file.py) with the networks in ``dtype``."""
    gains = model.gains
    return pack_weights(
        {name: _learned(network) for name, network in networks_of(model).items()},
        bottleneck_of(model),
        gains.log_gain,
        gains.log_correction - gains.log_gain,
        list(gains.qualities),
        dtype,
    )


def _learned(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters by name; those of a masked convolution masked."""
    state = {}
    for prefix, module in network.named_modules():
        for name, value in module.named_parameters(recurse=False):
            if name == "weight" and isinstance(module, CheckerboardMaskedConv2d):
                value = value * module.mask
            state[f"{prefix}.{name}" if prefix else name] = value
    return state
