"""The scale hyperprior in use: its transforms, and its rate for the editor."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar

import numpy as np
from torch import Tensor

from latentink.codecs.codec import Codec, Relaxed, Rounding
from latentink.codecs.entropy_model import EntropyModel
from latentink.codecs.hyperprior.networks import HyperpriorNetworks
from latentink.codecs.normalisation import laid_out
from latentink.codecs.tiling import Part, apply_in_parts
from latentink.codecs.weights_packing import network_tensors
from latentink.geometry import Rectangle
from latentink.losses.rate import gaussian_bits
from latentink.tensor_files import fill
from latentink.threads import working_alone


class HyperpriorCodec(Codec):
    """The hyperprior in use."""

    # g_a reaches 30 pixels, g_s less than 4 latents.
    analysis_halo: ClassVar[int] = 32
    synthesis_halo: ClassVar[int] = 4
    # Layers of a strip are below 32 MB, the most that malloc keeps for the next.
    analysis_parts = (Part(4, 256, 8, Fraction(1, 4)), Part(3, 128, 8, Fraction(1, 4)))
    synthesis_parts = (Part(4, 64, 2, Fraction(4)), Part(3, 64, 2, Fraction(4)))
    hyper_parts = (Part(5, 64, 8, Fraction(1, 4)),)

    def __init__(
        self, entropy: EntropyModel, tensors: Mapping[str, np.ndarray], origin: str
    ) -> None:
        """Build the codec from a weights file, which errors call ``origin``.

        Raises:
            WeightsError: A tensor is missing, surplus or of another shape.
        """
        super().__init__(entropy, tensors)
        model = HyperpriorNetworks(entropy.hyper_channels, entropy.latent_channels)
        for name in ("g_a", "g_s", "h_a"):
            fill(getattr(model, name), network_tensors(tensors, name), f"{origin}, {name}")
        with working_alone():
            self.g_a, self.g_s, self.h_a = laid_out(model.g_a), laid_out(model.g_s), model.h_a

    def _hyper_transform(self, v: Tensor) -> Tensor:
        return apply_in_parts(self.h_a, v.abs(), self.hyper_parts)

    def conditions(self, side: np.ndarray) -> Tensor:
        """Return the scale of each symbol, one of the Gaussian table's: (1, M, h, w) float32."""
        return self.table_scales(side)[None]

    def relax(
        self, v: Tensor, side: Tensor, core: Rectangle, rounding: Rounding, rate_rounding: Rounding
    ) -> Relaxed:
        """Return v̂ and the rate with relaxed rounding; see the base class."""
        own = v[..., core.rows, core.columns]
        bits = gaussian_bits(rate_rounding(own), side[..., core.rows, core.columns])
        return Relaxed(rounding(v), bits)
