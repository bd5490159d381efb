"""ELIC in training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentink.codecs.elic.groups import elic_groups
from latentink.codecs.elic.networks import ElicNetworks
from latentink.codecs.entropy_tables import SCALE_MINIMUM
from latentink.codecs.gains import Gains
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.layers.lower_bound import lower_bound
from latentink.codecs.model import CodecModel, Reconstruction, hyper_latent, uniform_noise
from latentink.losses.rate import gaussian_information
from latentink.relaxations.straight_through import straight_through


class ElicModel(CodecModel):
    """ELIC in training, with gains."""

    def __init__(self, channels: int, latent_channels: int, qualities: Sequence[float]) -> None:
        super().__init__()
        self.network = ElicNetworks(channels, latent_channels, elic_groups(latent_channels))
        self.gains = Gains(qualities, latent_channels)

    def forward(self, picture: Tensor, quality: Tensor, rounded: bool) -> Reconstruction:
        """Code a batch; see :meth:`CodecModel.forward`."""
        network = self.network
        gain, inverse = self.gains(quality)
        values = network.g_a(picture) * gain
        z_hat, z_likelihoods = hyper_latent(network.entropy_bottleneck, network.h_a(values))
        values = values.float()
        noisy = values + uniform_noise(values)

        def on_pass(channels: slice, mask: Tensor, means: Tensor, scales: Tensor) -> Tensor:
            if not rounded:
                return noisy[:, channels]
            own_means = means.float()
            return straight_through(values[:, channels] - own_means) + own_means

        seen, means, scales = network.context().walk(network.h_s(z_hat), on_pass)
        coded = noisy if self.training else seen
        information = gaussian_information(
            coded - means, lower_bound(scales.float(), SCALE_MINIMUM)
        )
        return Reconstruction(
            network.g_s(seen * inverse).float(),
            information.sum((1, 2, 3)),
            -z_likelihoods.log2().sum((1, 2, 3)),
        )

    def networks(self) -> dict[str, nn.Module]:
        """Return g_a, g_s, h_a, h_s and the networks of the context model, by group."""
        network = self.network
        named: dict[str, nn.Module] = {"g_a": network.g_a, "g_s": network.g_s}
        named |= {"h_a": network.h_a, "h_s": network.h_s}
        for k in range(len(network.groups)):
            named[f"spatial_context.{k}"] = nn.Sequential(network.spatial_context[k])
            named[f"aggregation.{k}"] = network.aggregation[k]
            if k > 0:
                named[f"channel_context.{k}"] = network.channel_context[k - 1]
        return named

    def bottleneck(self) -> FactorisedPrior:
        """Return the prior of the hyper-latent."""
        return self.network.entropy_bottleneck

    def widened(self, name: str, narrow: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors with zeros after each part of an aggregation's channels."""
        if not name.startswith("aggregation"):
            return narrow
        return widen_aggregation(narrow, dict(self.networks()[name].named_parameters()))


def widen_aggregation(own: dict[str, Tensor], wide: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return the tensors of a narrow aggregation, with zeros for channels that the wide one adds.

    Its inputs are spatial context, channel context (not in the first group) and side information,
    its outputs scales and means (context.py). Each of these parts gets its own zeros.

    Args:
        own: Of the narrow network, by name.
        wide: Of the wide network.
    """
    first, last = min(own)[0], max(own)[0]
    group = own[f"{last}.bias"].shape[0] // 2
    missing = wide[f"{last}.bias"].shape[0] // 2 - group
    weight = own[f"{first}.weight"]
    extra = weight.shape[1] - wide[f"{first}.weight"].shape[1]
    contexts = -extra // (2 * missing) if missing else 0
    inputs = [2 * group] * contexts + [weight.shape[1] - 2 * group * contexts]
    widened = own | {f"{first}.weight": _widen(weight, 1, inputs, 2 * missing, contexts)}
    for name in (f"{last}.weight", f"{last}.bias"):
        widened[name] = _widen(own[name], 0, [group, group], missing, 2)
    return widened


def _widen(tensor: Tensor, dim: int, parts: list[int], zeros: int, count: int) -> Tensor:
    """Return ``tensor`` with ``zeros`` zeros after each of its first ``count`` parts on ``dim``."""
    pieces: list[Tensor] = []
    for index, piece in enumerate(tensor.split(parts, dim)):
        shape = list(piece.shape)
        shape[dim] = zeros if index < count else 0
        pieces += [piece, piece.new_zeros(shape)]
    return torch.cat(pieces, dim)
