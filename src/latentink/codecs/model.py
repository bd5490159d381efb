"""The contract of a codec in training: transforms, gain vectors and relaxed rounding.

::

    x ──g_a──► y ──×g──► v ──relaxed rounding──► v̂ ──×g'──g_s──► x̂
                         │            ▲ scales (and means)
                        h_a ──► z ──entropy bottleneck──► ẑ ──h_s (ELIC: and the context model)

v, v̂, means and scales are in units of symbols.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentink.codecs.gains import Gains
from latentink.codecs.layers.convolutions import CheckerboardConvolution
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.weights_packing import pack_weights
from latentink.frozen_networks import full_precision
from latentink.relaxations.straight_through import straight_through


@dataclass(frozen=True)
class Reconstruction:
    """What a model makes of a batch.

    Attributes:
        picture: (B, 3, H, W), not clipped to [0, 1].
        y_bits: (B,), rate of the latent.
        z_bits: (B,), rate of the hyper-latent.
    """

    picture: Tensor
    y_bits: Tensor
    z_bits: Tensor


class CodecModel(nn.Module):
    """A codec as a trainable model.

    Attributes:
        gains: The gain vectors of its qualities.
    """

    gains: Gains

    @abstractmethod
    def forward(self, picture: Tensor, quality: Tensor, rounded: bool) -> Reconstruction:
        """Code a batch.

        In evaluation mode the rate is that of rounded values, which is what a file would take.

        Args:
            picture: (B, 3, H, W) in [0, 1], sides multiples of 64.
            quality: (B,), of each picture.
            rounded: Whether g_s sees rounded values with a straight-through gradient, instead of
                values with additive uniform noise, which the rate in training always sees.
        """

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """Return the networks as a weights file (weights_file.py) names them."""

    @abstractmethod
    def bottleneck(self) -> FactorisedPrior:
        """Return the prior of the hyper-latent."""

    def widened(self, name: str, narrow: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of a narrower model's network ``name``, to start from.

        A tensor that is smaller than this model's then fills its leading part. Override this where
        the narrow tensor's channels do not belong there.
        """
        return narrow


def weights_of(model: CodecModel, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the tensors of a weights file (weights_file.py) with the networks in ``dtype``."""
    gains = model.gains
    return pack_weights(
        {name: _learned(network) for name, network in model.networks().items()},
        model.bottleneck(),
        gains.log_gain,
        gains.log_correction - gains.log_gain,
        list(gains.qualities),
        dtype,
    )


def _learned(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters by name, with the masks of masked convolutions applied."""
    state = {}
    for prefix, module in network.named_modules():
        for name, value in module.named_parameters(recurse=False):
            if name == "weight" and isinstance(module, CheckerboardConvolution):
                value = value * module.mask
            state[f"{prefix}.{name}" if prefix else name] = value
    return state


def hyper_latent(bottleneck: FactorisedPrior, z: Tensor) -> tuple[Tensor, Tensor]:
    """Quantise the hyper-latent with relaxed rounding.

    Args:
        bottleneck: The prior of the hyper-latent.
        z: (B, N, h', w').

    Returns:
        ẑ, z rounded with a straight-through gradient, and the likelihoods of z: with additive noise
        in training, of ẑ in evaluation. Both are float32 in the shape of ``z``.
    """
    with full_precision(z.device):
        z = z.float()
        _, likelihoods = bottleneck(z)
        medians = bottleneck.quantiles[:, 0, 1].detach().view(1, -1, 1, 1)
        return straight_through(z - medians) + medians, likelihoods


def uniform_noise(values: Tensor) -> Tensor:
    """Return noise, uniform in [−½, ½), in the shape of ``values``, float32."""
    return torch.rand(values.shape, device=values.device) - 0.5
