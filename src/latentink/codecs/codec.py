"""The contract of a codec: a picture to integers and back, exactly, at any quality.

::

    x ──g_a──► y ──×g──► v ──round──► symbols ──rANS──► bytes       g, g': gains of the quality
                         │              ▲ scales (and means), in exact arithmetic
                        h_a ──round──► ẑ ──h_s
    v̂ = symbols (+ means) ──×g'──► g_s ──► x̂

v, v̂, means and scales are in units of symbols. What drives the entropy coder is computed from ẑ and
the symbols alone, in exact arithmetic (fixed_point.py); the gains touch only the transforms.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentink.codecs.bitstream import decode_symbols, encode_symbols
from latentink.codecs.entropy_tables import unpack_table
from latentink.codecs.gains import interpolate, lagrangian
from latentink.codecs.registry import CodecSpec
from latentink.codecs.tiling import apply_in_tiles
from latentink.container import QUALITY_UNIT
from latentink.errors import ContainerError, OptionError
from latentink.geometry import Rectangle

STRIDE = 16
_TILE = 64  # latents a side
SYMBOL_LIMIT = 2**15 - 1

Chooser = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(places, values, rows) of one pass → symbols, each (n,).

``places`` are flat positions in (M, h, w), ``values`` what rounding to symbols starts from
(float64, the mean taken off), ``rows`` the symbols' rows of the Gaussian table; the symbols are
integers.
"""

Rounding = Callable[[Tensor], Tensor]
"""A relaxation of rounding: real values → real values of the same shape, differentiable."""


@dataclass(frozen=True)
class Latents:
    """The integers of one picture, and what the entropy model makes of them.

    Attributes:
        y: (M, h, w) int32 symbols of the latent.
        z: (N, h', w') int32 symbols of the hyper-latent.
        quality_code: the quality in units of ``QUALITY_UNIT``.
        values: (M, h, w) float32, the quantised latent v̂ that the picture is made from.
        indexes: (M, h, w) uint8, the row of the Gaussian table of each symbol.
    """

    y: np.ndarray
    z: np.ndarray
    quality_code: int
    values: np.ndarray
    indexes: np.ndarray


@dataclass(frozen=True)
class Relaxed:
    """What the editor sees in place of quantised latents.

    Attributes:
        values: (1, M, h, w), v̂ with rounding relaxed.
        bits: scalar, the rate of the asked part.
    """

    values: Tensor
    bits: Tensor


def nearest(places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Choose the nearest integers, within what the coder can carry; a :data:`Chooser`."""
    return np.clip(np.rint(values), -SYMBOL_LIMIT, SYMBOL_LIMIT)


class Codec(ABC):
    """Analyse, rate, synthesise, encode and decode with one set of weights; stateless in use.

    Attributes:
        spec: what the project knows of the codec without its weights.
        fingerprint: 8 bytes that name the weights in a .lik file's header.
        analysis_halo: receptive radius of g_a, pixels, rounded up to whole latents.
        synthesis_halo: receptive radius of g_s, latents.
    """

    analysis_halo: ClassVar[int]
    synthesis_halo: ClassVar[int]
    g_a: nn.Module
    g_s: nn.Module
    h_a: nn.Module

    def __init__(self, spec: CodecSpec, tensors: dict[str, Tensor], fingerprint: bytes) -> None:
        """Take what all codecs share from the tensors of a weights file (weights_file.py)."""
        self.spec, self.fingerprint = spec, fingerprint
        self.log_gain, self.log_inverse = tensors["log_gain"], tensors["log_inverse"]
        self.latent_channels = self.log_gain.shape[1]
        self.hyper_channels = tensors["medians"].numel()
        self.qualities: list[float] = tensors["qualities"].tolist()
        self._medians = tensors["medians"].view(1, -1, 1, 1)
        self._scale_levels = tensors["scale_levels"].contiguous()
        self._gaussian = unpack_table("gaussian", tensors)
        self._hyper = unpack_table("hyper", tensors)

    @property
    def name(self) -> str:
        """The codec's name on the command line."""
        return self.spec.name

    # --- quality --------------------------------------------------------------------------

    def quality_code(self, quality: float) -> int:
        """Return ``quality`` in units of ``QUALITY_UNIT``.

        Raises:
            OptionError: the quality is outside what the weights were trained for.
        """
        low, high = self.qualities[0], self.qualities[-1]
        if not low <= quality <= high:
            choice = f"{low:g} to {high:g}" if high > low else f"{low:g}, the only one it has"
            raise OptionError(f"Quality {quality:g} is not available; choose {choice}.")
        return round(quality / QUALITY_UNIT)

    def gain(self, quality_code: int) -> Tensor:
        """Return g (1, M, 1, 1) float32 of a quality code.

        Raises:
            ContainerError: a quality outside the trained range.
        """
        return self._gain(self.log_gain, quality_code)

    def inverse_gain(self, quality_code: int) -> Tensor:
        """Return g' (1, M, 1, 1) float32 of a quality code; see :meth:`gain`."""
        return self._gain(self.log_inverse, quality_code)

    def _gain(self, rows: Tensor, quality_code: int) -> Tensor:
        position = quality_code * QUALITY_UNIT
        if not self.qualities[0] <= position <= self.qualities[-1]:
            raise ContainerError("This file asks for a quality that its codec does not have.")
        log = interpolate(rows, self.qualities, torch.tensor([position]))
        return log.exp().view(1, -1, 1, 1)

    def lagrangian(self, quality_code: int) -> float:
        """Return λ1 of a quality code, interpolated geometrically between whole qualities."""
        return lagrangian(quality_code * QUALITY_UNIT)

    # --- transforms -----------------------------------------------------------------------

    def latent_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of y for a picture of ``height`` × ``width`` pixels."""
        return math.ceil(height / STRIDE), math.ceil(width / STRIDE)

    def hyper_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the hyper-latent for a latent of ``size``."""
        return math.ceil(math.ceil(size[0] / 2) / 2), math.ceil(math.ceil(size[1] / 2) / 2)

    @torch.no_grad()
    def analyse(self, picture: Tensor, quality_code: int) -> Tensor:
        """Return v = g·g_a(picture), (1, M, ⌈H/16⌉, ⌈W/16⌉) float32, for (1, 3, H, W) in [0, 1]."""
        height, width = picture.shape[-2:]
        missing = (-width % STRIDE, -height % STRIDE)
        padded = functional.pad(picture, (0, missing[0], 0, missing[1]), mode="replicate")
        y = apply_in_tiles(
            self.g_a,
            padded,
            tile=_TILE * STRIDE,
            halo=self.analysis_halo,
            scale=Fraction(1, STRIDE),
        )
        return y * self.gain(quality_code)

    def synthesise(
        self,
        values: np.ndarray,
        quality_code: int,
        size: tuple[int, int],
        known: tuple[np.ndarray, Tensor] | None = None,
    ) -> Tensor:
        """Return the picture (1, 3, H, W) in [0, 1], float32, of v̂ (M, h, w).

        Args:
            values: v̂.
            quality_code: the quality in units of ``QUALITY_UNIT``.
            size: height and width of the picture, pixels.
            known: other values at the same quality and their picture (1, 3, H, W): of a large
                picture, what looks at the same values is taken from there.
        """
        with torch.no_grad():
            latent = torch.from_numpy(values).float()[None] * self.inverse_gain(quality_code)
            other = None
            if known is not None:
                before = torch.from_numpy(known[0]).float()[None] * self.inverse_gain(quality_code)
                missing = [s * STRIDE - n for s, n in zip(values.shape[1:], size, strict=True)]
                other = before, functional.pad(known[1], (0, missing[1], 0, missing[0]))
            picture = apply_in_tiles(
                self.g_s,
                latent,
                tile=_TILE,
                halo=self.synthesis_halo,
                scale=Fraction(STRIDE),
                known=other,
            )
        return picture[..., : size[0], : size[1]].clamp_(0, 1)

    def synthesise_part(
        self, values: np.ndarray, quality_code: int, size: tuple[int, int], part: Rectangle
    ) -> Tensor:
        """Return ``part`` (in pixels) of what :meth:`synthesise` returns, without the rest.

        Args:
            values: v̂ of the whole picture.
            quality_code: the quality in units of ``QUALITY_UNIT``.
            size: height and width of the whole picture, pixels.
            part: which pixels.
        """
        whole = Rectangle(0, 0, *self.latent_size(*size))
        seen = part.coarsened(STRIDE).grown(self.synthesis_halo, whole)
        pixels = seen.scaled(STRIDE).clipped(Rectangle(0, 0, *size))
        around = self.synthesise(
            values[:, seen.rows, seen.columns], quality_code, (pixels.height, pixels.width)
        )
        inner = part.shifted(pixels)
        return around[..., inner.rows, inner.columns]

    @torch.no_grad()
    def hyper_analyse(self, v: Tensor) -> np.ndarray:
        """Return the hyper-latent's symbols (N, h', w') int32 for v (1, M, h, w)."""
        z = self._hyper_transform(v)
        symbols = torch.round(z.double() - self._medians).clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)
        return symbols[0].int().numpy()

    @abstractmethod
    def _hyper_transform(self, v: Tensor) -> Tensor:
        """Return z (1, N, h', w') for v."""

    # --- entropy model --------------------------------------------------------------------

    @abstractmethod
    def side(self, z: np.ndarray, size: tuple[int, int]) -> Tensor:
        """Return what the entropy model knows from ẑ: (1, C, h, w) float64, exact."""

    @abstractmethod
    def passes(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return the passes in which symbols (M, h, w) are coded: flat positions, in coding order.

        The entropy model of a pass depends on ẑ and on earlier passes alone.
        """

    @abstractmethod
    def quantise(
        self,
        v: Tensor,
        z: np.ndarray,
        quality_code: int,
        choose: Chooser = nearest,
        side: Tensor | None = None,
    ) -> Latents:
        """Return the symbols of v (1, M, h, w), in units of symbols, given ẑ.

        Args:
            v: the latent.
            z: (N, h', w') int32, the hyper-latent's symbols.
            quality_code: the quality in units of ``QUALITY_UNIT``.
            choose: called once a pass, in the order of :meth:`passes`.
            side: what :meth:`side` gave for ẑ, where it is known already; None: computed anew.
        """

    @abstractmethod
    def relax(
        self, v: Tensor, side: Tensor, core: Rectangle, rounding: Rounding, rate_rounding: Rounding
    ) -> Relaxed:
        """Return v̂ of a patch with rounding relaxed, and the rate of its core, differentiably.

        Args:
            v: (1, M, h, w), in units of symbols.
            side: :meth:`side` over the same patch, float32.
            core: the part of the patch whose rate counts.
            rounding: as g_s sees it.
            rate_rounding: as the rate sees it.
        """

    def table_indexes(self, scales: Tensor) -> Tensor:
        """Return the row of the Gaussian table (uint8) for exact ``scales``, any shape."""
        return torch.bucketize(scales.contiguous(), self._scale_levels[:-1]).to(torch.uint8)

    @property
    def scales(self) -> np.ndarray:
        """The standard deviation of each row of the Gaussian table, ascending."""
        return self._scale_levels.numpy()

    def table_scales(self, indexes: Tensor) -> Tensor:
        """Return the standard deviations (float32) of rows of the Gaussian table."""
        return self._scale_levels[indexes.long()].float()

    def _hyper_latent(self, z: np.ndarray) -> Tensor:
        return torch.from_numpy(z).double()[None] + self._medians

    # --- bitstream ------------------------------------------------------------------------

    def encode(self, latents: Latents) -> tuple[bytes, bytes]:
        """Return the streams of y and z."""
        order = np.concatenate(self.passes(latents.y.shape))
        return (
            encode_symbols(
                latents.y.ravel()[order], latents.indexes.ravel()[order], self._gaussian
            ),
            encode_symbols(latents.z, _channel_indexes(latents.z.shape), self._hyper),
        )

    def decode(
        self, y_stream: bytes, z_stream: bytes, height: int, width: int, quality_code: int
    ) -> Latents:
        """Return the latents that :meth:`encode` wrote, for a picture of ``height`` × ``width``.

        Raises:
            ContainerError: an empty stream or an unknown quality.
        """
        size = self.latent_size(height, width)
        shape = (self.hyper_channels, *self.hyper_size(size))
        z = decode_symbols(z_stream, _channel_indexes(shape), self._hyper)
        self.gain(quality_code)
        return self._decode_latent(y_stream, z, size, quality_code)

    @abstractmethod
    def _decode_latent(
        self, stream: bytes, z: np.ndarray, size: tuple[int, int], quality_code: int
    ) -> Latents:
        """Return the latents of a y stream."""


def _channel_indexes(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.arange(shape[0], dtype=np.int32)[:, None, None], shape)
