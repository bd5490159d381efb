"""The hyperprior codec (Ballé et al. 2018) at a continuous quality, over CompressAI's networks.

::

    x ──g_a──► y ──·g, round──► ŷ symbols ──rANS──► bytes            g: gain vector of the quality
               │                  ▲ scales g·σ
              h_a ──round──► ẑ ──h_s (exact arithmetic)
    ŷ symbols ──÷g──► g_s ──► x̂

Gains make one model cover all qualities (Cui et al. 2021): symbols are round(g·y), their scales
are g·σ, and the picture is g_s(symbols / g). The hyper path is the same for all qualities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from compressai.models.google import ScaleHyperprior
from torch import Tensor, nn
from torch.nn import functional

from latentink.codecs.bitstream import decode_symbols, encode_symbols
from latentink.codecs.entropy_tables import unpack_table
from latentink.codecs.fixed_point import FixedPointSequence
from latentink.codecs.tiling import apply_in_tiles
from latentink.container import QUALITY_UNIT
from latentink.errors import ContainerError, OptionError

STRIDE = 16
# Receptive radii: 30 pixels for g_a, under 4 latents for g_s; rounded up to whole latents.
_ANALYSIS_HALO = 32
SYNTHESIS_HALO = 4
_TILE = 64  # latents a side
# λ of the qualities 1 to 8: bits per pixel per squared grey level (CompressAI's MSE models).
LAGRANGIANS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
_SYMBOL_LIMIT = 2**15 - 1


@dataclass(frozen=True)
class Latents:
    """What a file holds: the integers of one picture.

    Attributes:
        y: (M, h, w) int32 symbols of the latent.
        z: (N, h', w') int32 symbols of the hyper-latent.
        quality: in units of ``QUALITY_UNIT``.
    """

    y: np.ndarray
    z: np.ndarray
    quality: int


@dataclass(frozen=True)
class EntropyParameters:
    """The distribution of every symbol of y.

    Attributes:
        indexes: (M, h, w) uint8 row of the Gaussian table; equal on every machine.
        scales: (1, M, h, w) float32, the standard deviations of those rows.
    """

    indexes: np.ndarray
    scales: Tensor


class HyperpriorCodec:
    """Analyse, rate, synthesise, encode and decode with one set of weights; stateless in use."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        """Build the codec from the tensors of a bundled weights file (codecs/bundle.py)."""
        channels, latent_channels = tensors["g_s.0.weight"].shape[1], tensors["gains"].shape[1]
        model = ScaleHyperprior(channels, latent_channels)
        networks = {
            key: value.float()
            for key, value in tensors.items()
            if key.startswith(("g_a.", "g_s.", "h_a.", "h_s."))
        }
        # CompressAI's own loader insists on its entropy tables; ours are integers in the file.
        nn.Module.load_state_dict(model, networks, strict=False)
        model.eval().requires_grad_(False)
        self.g_a, self.g_s, self.h_a = model.g_a, model.g_s, model.h_a
        self.h_s = FixedPointSequence(model.h_s)
        self.latent_channels = latent_channels
        self.hyper_channels = channels
        self.gains = tensors["gains"]
        self.qualities: list[float] = tensors["qualities"].tolist()
        self._medians = tensors["medians"].view(1, -1, 1, 1)
        self._scale_levels = tensors["scale_levels"]
        self._gaussian = unpack_table("gaussian", tensors)
        self._hyper = unpack_table("hyper", tensors)

    def quality_code(self, quality: float) -> int:
        """Return ``quality`` in units of ``QUALITY_UNIT``.

        Raises:
            OptionError: the quality is outside what the weights were trained for.
        """
        low, high = self.qualities[0], self.qualities[-1]
        if not low <= quality <= high:
            raise OptionError(f"Quality {quality:g} is not available; choose {low:g} to {high:g}.")
        return round(quality / QUALITY_UNIT)

    def gain(self, quality: int) -> Tensor:
        """Return the gain vector (1, M, 1, 1) float64 of a quality code, exactly.

        Between two trained qualities the gains are interpolated linearly: unlike the logarithm
        that is exact in float64, hence the same on both ends.

        Raises:
            ContainerError: a quality outside the trained range.
        """
        position = quality * QUALITY_UNIT
        if not self.qualities[0] <= position <= self.qualities[-1]:
            raise ContainerError("This file asks for a quality that its codec does not have.")
        upper = max(1, next(i for i, q in enumerate(self.qualities) if position <= q))
        low, high = self.qualities[upper - 1], self.qualities[upper]
        share = (position - low) / (high - low)
        gains = self.gains[upper - 1] * (1 - share) + self.gains[upper] * share
        return gains.view(1, -1, 1, 1)

    def lagrangian(self, quality: int) -> float:
        """Return λ1 of a quality code, interpolated geometrically between whole qualities."""
        position = quality * QUALITY_UNIT - 1
        return float(np.exp(np.interp(position, range(8), np.log(LAGRANGIANS))))

    @torch.no_grad()
    def analyse(self, picture: Tensor) -> Tensor:
        """Return y = g_a(picture), (1, M, ⌈H/16⌉, ⌈W/16⌉) float32, for (1, 3, H, W) in [0, 1]."""
        height, width = picture.shape[-2:]
        missing = (-width % STRIDE, -height % STRIDE)
        padded = functional.pad(picture, (0, missing[0], 0, missing[1]), mode="replicate")
        return apply_in_tiles(
            self.g_a,
            padded,
            tile=_TILE * STRIDE,
            halo=_ANALYSIS_HALO,
            scale=Fraction(1, STRIDE),
        )

    @torch.no_grad()
    def hyper_analyse(self, y: Tensor) -> np.ndarray:
        """Return the hyper-latent's symbols (N, h', w') int32 for y (1, M, h, w)."""
        z = self.h_a(y.abs())
        symbols = torch.round(z.double() - self._medians).clamp(-_SYMBOL_LIMIT, _SYMBOL_LIMIT)
        return symbols[0].int().numpy()

    @torch.no_grad()
    def entropy_parameters(
        self, z: np.ndarray, size: tuple[int, int], quality: int
    ) -> EntropyParameters:
        """Return the distribution of each symbol of y, identical wherever it is computed.

        Args:
            z: the hyper-latent's symbols (N, h', w').
            size: height and width of y.
            quality: quality code.
        """
        hyper_latent = torch.from_numpy(z).double()[None] + self._medians
        scales = self.h_s(hyper_latent)[..., : size[0], : size[1]] * self.gain(quality)
        indexes = torch.bucketize(scales, self._scale_levels[:-1].contiguous())[0]
        table_scales = self._scale_levels[indexes][None].float()
        return EntropyParameters(indexes.to(torch.uint8).numpy(), table_scales)

    def hyper_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the hyper-latent for a latent of ``size``."""
        return math.ceil(math.ceil(size[0] / 2) / 2), math.ceil(math.ceil(size[1] / 2) / 2)

    def latent_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of y for a picture of ``height`` × ``width`` pixels."""
        return math.ceil(height / STRIDE), math.ceil(width / STRIDE)

    def synthesise(self, symbols: np.ndarray, quality: int, size: tuple[int, int]) -> Tensor:
        """Return the picture (1, 3, H, W) in [0, 1], float32, of symbols (M, h, w)."""
        with torch.no_grad():
            latent = (torch.from_numpy(symbols).double()[None] / self.gain(quality)).float()
            picture = apply_in_tiles(
                self.g_s, latent, tile=_TILE, halo=SYNTHESIS_HALO, scale=Fraction(STRIDE)
            )
        return picture[..., : size[0], : size[1]].clamp_(0, 1)

    def encode(self, latents: Latents) -> tuple[bytes, bytes]:
        """Return the streams of y and z."""
        size = (latents.y.shape[1], latents.y.shape[2])
        parameters = self.entropy_parameters(latents.z, size, latents.quality)
        return (
            encode_symbols(latents.y, parameters.indexes, self._gaussian),
            encode_symbols(latents.z, _channel_indexes(latents.z.shape), self._hyper),
        )

    def decode(
        self, y_stream: bytes, z_stream: bytes, height: int, width: int, quality: int
    ) -> Latents:
        """Return the latents that :meth:`encode` wrote, for a picture of ``height`` × ``width``.

        Raises:
            ContainerError: an empty stream or an unknown quality.
        """
        size = self.latent_size(height, width)
        shape = (self.hyper_channels, *self.hyper_size(size))
        z = decode_symbols(z_stream, _channel_indexes(shape), self._hyper)
        parameters = self.entropy_parameters(z, size, quality)
        return Latents(decode_symbols(y_stream, parameters.indexes, self._gaussian), z, quality)

    def quantise(self, y: Tensor, quality: int) -> np.ndarray:
        """Return the symbols round(g·y) (M, h, w) int32 of y (1, M, h, w)."""
        symbols = torch.round(y.double() * self.gain(quality))
        return symbols.clamp(-_SYMBOL_LIMIT, _SYMBOL_LIMIT)[0].int().numpy()


def _channel_indexes(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.arange(shape[0], dtype=np.int32)[:, None, None], shape)
