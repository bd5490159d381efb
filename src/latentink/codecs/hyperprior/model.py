"""The scale hyperprior in training."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from latentink.codecs.entropy_tables import SCALE_MINIMUM
from latentink.codecs.gains import Gains
from latentink.codecs.hyperprior.networks import NETWORKS, HyperpriorNetworks
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.layers.lower_bound import lower_bound
from latentink.codecs.model import CodecModel, Reconstruction, hyper_latent, uniform_noise
from latentink.losses.rate import gaussian_information
from latentink.relaxations.straight_through import straight_through


class HyperpriorModel(CodecModel):
    """The hyperprior in training, with gains."""

    def __init__(self, channels: int, latent_channels: int, qualities: Sequence[float]) -> None:
        super().__init__()
        self.network = HyperpriorNetworks(channels, latent_channels)
        self.gains = Gains(qualities, latent_channels)

    def forward(self, picture: Tensor, quality: Tensor, rounded: bool) -> Reconstruction:
        """Code a batch; see :meth:`CodecModel.forward`."""
        network = self.network
        gain, inverse = self.gains(quality)
        values = network.g_a(picture) * gain
        z_hat, z_likelihoods = hyper_latent(network.entropy_bottleneck, network.h_a(values.abs()))
        scales = lower_bound(network.h_s(z_hat).float(), SCALE_MINIMUM)
        values = values.float()
        noisy = values + uniform_noise(values) if self.training else straight_through(values)
        seen = straight_through(values) if rounded else noisy
        return Reconstruction(
            network.g_s(seen * inverse).float(),
            gaussian_information(noisy, scales).sum((1, 2, 3)),
            -z_likelihoods.log2().sum((1, 2, 3)),
        )

    def networks(self) -> dict[str, nn.Module]:
        """Return g_a, g_s, h_a and h_s."""
        return {name: getattr(self.network, name) for name in NETWORKS}

    def bottleneck(self) -> FactorisedPrior:
        """Return the prior of the hyper-latent."""
        return self.network.entropy_bottleneck
