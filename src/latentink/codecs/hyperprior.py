"""The scale hyperprior (Ballé et al. 2018): symbols have mean 0.

Ballé et al., "Variational image compression with a scale hyperprior", ICLR 2018. In use it is
:class:`HyperpriorCodec`, in training :class:`HyperpriorModel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from latentink.codecs.codec import Chooser, Codec, Latents, Relaxed, Rounding, nearest
from latentink.codecs.entropy_tables import SCALE_MINIMUM
from latentink.codecs.fixed_point import FixedPointSequence
from latentink.codecs.gains import Gains
from latentink.codecs.implementation import Implementation, Networks, Published
from latentink.codecs.layers.convolutions import convolution, transposed
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.layers.gdn import Gdn
from latentink.codecs.layers.lower_bound import lower_bound
from latentink.codecs.model import CodecModel, Reconstruction, hyper_latent, uniform_noise
from latentink.codecs.normalisation import laid_out
from latentink.codecs.rans.decoder import Decoder
from latentink.codecs.registry import CodecSpec
from latentink.codecs.tiling import Part, apply_in_parts
from latentink.codecs.weights_file import network_tensors
from latentink.errors import unfit_weights
from latentink.geometry import Rectangle
from latentink.losses.rate import gaussian_bits, gaussian_information
from latentink.relaxations.straight_through import straight_through
from latentink.tensor_files import fill
from latentink.threads import working_alone

_NETWORKS = ("g_a", "g_s", "h_a", "h_s")


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


class HyperpriorCodec(Codec):
    """The hyperprior in use; its side information is the scale of each symbol."""

    # g_a reaches 30 pixels, g_s less than 4 latents.
    analysis_halo: ClassVar[int] = 32
    synthesis_halo: ClassVar[int] = 4
    # Layers of a strip are below 32 MB, the most that malloc keeps for the next.
    analysis_parts = (Part(4, 256, 8, Fraction(1, 4)), Part(3, 128, 8, Fraction(1, 4)))
    synthesis_parts = (Part(4, 64, 2, Fraction(4)), Part(3, 64, 2, Fraction(4)))
    hyper_parts = (Part(5, 64, 8, Fraction(1, 4)),)

    def __init__(
        self, spec: CodecSpec, tensors: dict[str, Tensor], fingerprint: bytes, origin: str
    ) -> None:
        """Build the codec from a weights file, which errors call ``origin``.

        Raises:
            WeightsError: A tensor is missing, surplus or of another shape.
        """
        super().__init__(spec, tensors, fingerprint)
        model = HyperpriorNetworks(self.hyper_channels, self.latent_channels)
        for name in _NETWORKS:
            fill(getattr(model, name), network_tensors(tensors, name), f"{origin}, {name}")
        self.g_a, self.g_s, self.h_a = laid_out(model.g_a), laid_out(model.g_s), model.h_a
        self.h_s = FixedPointSequence(model.h_s)

    def _hyper_transform(self, v: Tensor) -> Tensor:
        return apply_in_parts(self.h_a, v.abs(), self.hyper_parts)

    @working_alone()
    @torch.no_grad()
    def side(self, z: np.ndarray, size: tuple[int, int]) -> Tensor:
        """Return the scale of each symbol, one of the Gaussian table's: (1, M, h, w) float64."""
        scales = self._hyper_synthesis(z, size)
        return self.table_scales(self.table_indexes(scales)).double()

    @working_alone()
    def quantise(
        self,
        v: Tensor,
        z: np.ndarray,
        quality_code: int,
        choose: Chooser = nearest,
        side: Tensor | None = None,
    ) -> Latents:
        """Return latents with the symbols that ``choose`` makes of v; see the base class."""
        side = self.side(z, (v.shape[-2], v.shape[-1])) if side is None else side
        rows = self.table_indexes(side)[0].numpy()
        places = self.passes(v.shape[1:])[0]
        y = choose(places, v[0].double().numpy().ravel(), rows.ravel())
        return _latents(y.astype(np.int32).reshape(v.shape[1:]), z, quality_code, rows)

    def relax(
        self, v: Tensor, side: Tensor, core: Rectangle, rounding: Rounding, rate_rounding: Rounding
    ) -> Relaxed:
        """Return v̂ and the rate with relaxed rounding; see the base class."""
        own = v[..., core.rows, core.columns]
        bits = gaussian_bits(rate_rounding(own), side[..., core.rows, core.columns])
        return Relaxed(rounding(v), bits)

    def passes(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return a single pass, because no symbol's distribution depends on other symbols."""
        return [np.arange(np.prod(shape))]

    def _decode_latent(
        self, decoder: Decoder, z: np.ndarray, size: tuple[int, int], quality_code: int
    ) -> Latents:
        rows = self.table_indexes(self.side(z, size))[0].numpy()
        return _latents(decoder.read(rows, self._gaussian), z, quality_code, rows)


def _latents(y: np.ndarray, z: np.ndarray, quality_code: int, rows: np.ndarray) -> Latents:
    """Return latents whose means are 0."""
    return Latents(y, z, quality_code, y.astype(np.float32), rows)


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
        return {name: getattr(self.network, name) for name in _NETWORKS}

    def bottleneck(self) -> FactorisedPrior:
        """Return the prior of the hyper-latent."""
        return self.network.entropy_bottleneck


def convert_published(networks: Networks, origin: str) -> tuple[Networks, int]:
    """Return the networks as they are, and M; a ``Published.convert``.

    Raises:
        WeightsError: The first layer of g_s is missing.
    """
    if "0.weight" not in networks["g_s"]:
        raise unfit_weights(f"{origin} misses tensor 'g_s.0.weight'")
    return networks, networks["g_s"]["0.weight"].shape[0]


IMPLEMENTATION = Implementation(
    codec=HyperpriorCodec,
    model=HyperpriorModel,
    published=Published((*_NETWORKS, "entropy_bottleneck"), convert_published),
    zoo="bmshj2018-hyperprior",
)
