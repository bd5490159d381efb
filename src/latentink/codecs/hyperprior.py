"""The scale hyperprior (Ballé et al. 2018), over CompressAI's networks: symbols have mean 0."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from compressai.models.google import ScaleHyperprior
from torch import Tensor

from latentink.codecs.bitstream import decode_symbols
from latentink.codecs.codec import Chooser, Codec, Latents, Relaxed, Rounding, nearest
from latentink.codecs.fixed_point import FixedPointSequence
from latentink.codecs.normalisation import laid_out
from latentink.codecs.spec import CodecSpec
from latentink.codecs.weights_file import network_tensors
from latentink.geometry import Rectangle
from latentink.losses.rate import gaussian_bits
from latentink.tensor_files import fill


class HyperpriorCodec(Codec):
    """The hyperprior behind the contract of :class:`Codec`; its side information are scales."""

    # 30 pixels for g_a, under 4 latents for g_s.
    analysis_halo: ClassVar[int] = 32
    synthesis_halo: ClassVar[int] = 4

    def __init__(
        self, spec: CodecSpec, tensors: dict[str, Tensor], fingerprint: bytes, origin: str
    ) -> None:
        """Build the codec from a weights file; ``origin`` names it in errors."""
        super().__init__(spec, tensors, fingerprint)
        model = ScaleHyperprior(self.hyper_channels, self.latent_channels)
        for name in ("g_a", "g_s", "h_a", "h_s"):
            fill(getattr(model, name), network_tensors(tensors, name), f"{origin}, {name}")
        self.g_a, self.g_s, self.h_a = laid_out(model.g_a), laid_out(model.g_s), model.h_a
        self.h_s = FixedPointSequence(model.h_s)

    def _hyper_transform(self, v: Tensor) -> Tensor:
        return self.h_a(v.abs())

    @torch.no_grad()
    def side(self, z: np.ndarray, size: tuple[int, int]) -> Tensor:
        """Return the scale of each symbol, as the coder's table has it."""
        scales = self.h_s(self._hyper_latent(z))[..., : size[0], : size[1]]
        return self.table_scales(self.table_indexes(scales)).double()

    def quantise(
        self,
        v: Tensor,
        z: np.ndarray,
        quality_code: int,
        choose: Chooser = nearest,
        side: Tensor | None = None,
    ) -> Latents:
        """Return the symbols round(v), or what ``choose`` makes of v."""
        side = self.side(z, (v.shape[-2], v.shape[-1])) if side is None else side
        rows = self.table_indexes(side)[0].numpy().ravel()
        places = self.passes(v.shape[1:])[0]
        y = choose(places, v[0].double().numpy().ravel(), rows)
        return self._latents(y.astype(np.int32).reshape(v.shape[1:]), z, quality_code, side)

    def relax(
        self, v: Tensor, side: Tensor, core: Rectangle, rounding: Rounding, rate_rounding: Rounding
    ) -> Relaxed:
        """See :meth:`Codec.relax`."""
        own = v[..., core.rows, core.columns]
        bits = gaussian_bits(rate_rounding(own), side[..., core.rows, core.columns])
        return Relaxed(rounding(v), bits)

    def passes(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return the one pass: no symbol's distribution depends on another symbol."""
        return [np.arange(np.prod(shape))]

    def _decode_latent(
        self, stream: bytes, z: np.ndarray, size: tuple[int, int], quality_code: int
    ) -> Latents:
        side = self.side(z, size)
        y = decode_symbols(stream, self.table_indexes(side)[0].numpy(), self._gaussian)
        return self._latents(y, z, quality_code, side)

    def _latents(self, y: np.ndarray, z: np.ndarray, quality_code: int, side: Tensor) -> Latents:
        return Latents(
            y, z, quality_code, y.astype(np.float32), self.table_indexes(side)[0].numpy()
        )
