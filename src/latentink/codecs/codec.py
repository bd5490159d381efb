"""The contract of a codec: it turns a picture into integers, and the integers into a picture.

Sender and receiver get the same integers to the last one, at any quality.

::

    x ──g_a──► y ──×g──► v ──round──► symbols ──rANS──► bytes       g, g': gains of the quality
                         │              ▲ scales (and means), in exact arithmetic
                        h_a ──round──► ẑ ──h_s
    v̂ = symbols (+ means) ──×g'──► g_s ──► x̂

v, v̂, means and scales are in units of symbols. The parameters of the entropy coder are computed
from ẑ and the symbols alone, in exact arithmetic (fixed_point.py); the gains act on the transforms
only.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentink.codecs.entropy_tables import unpack_table
from latentink.codecs.fixed_point import FixedPointSequence
from latentink.codecs.gains import interpolate, lagrangian
from latentink.codecs.rans.decoder import Decoder
from latentink.codecs.rans.encoder import Pass, encode
from latentink.codecs.rans.table import ESCAPE_LIMIT
from latentink.codecs.registry import CodecSpec
from latentink.codecs.tiling import Part, apply_in_parts, apply_in_regions
from latentink.container import QUALITY_UNIT
from latentink.devices import on_device
from latentink.errors import ContainerError, OptionError
from latentink.geometry import Rectangle
from latentink.threads import run_in_threads, working_alone

STRIDE = 16
# Latents; pictures depend on the width of regions in their last bits (tiling.py).
_REGION_WIDTH, _REGION_HEIGHT = 64, 1024
SYMBOL_LIMIT = ESCAPE_LIMIT
_AT_A_TIME = 2**16  # symbols of a thread
# A coder's state, at least 2^24, may gain by rounding as much as 2^-7 bits a symbol.
_ROUNDING_BITS = 2.0**-7

Chooser = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Chooses the symbols of one pass: (places, values, rows) → symbols, all of them (n,).

``places`` are flat positions in (M, h, w), ``values`` are v less its mean in float64, which plain
coding rounds, and ``rows`` are the rows of the Gaussian table that code the symbols. The symbols
are whole numbers of any type.
"""

Rounding = Callable[[Tensor], Tensor]
"""Rounding made differentiable: maps real values to real values of the same shape."""


@dataclass(frozen=True)
class Latents:
    """The integers of one picture, and what follows from them.

    Attributes:
        y: (M, h, w) int32 symbols of the latent.
        z: (N, h', w') int32 symbols of the hyper-latent.
        quality_code: the quality in units of ``QUALITY_UNIT``.
        values: (M, h, w) float32, the quantised latent v̂, which g_s makes the picture of.
        indexes: (M, h, w) uint8, the row of the Gaussian table that codes each symbol.
    """

    y: np.ndarray
    z: np.ndarray
    quality_code: int
    values: np.ndarray
    indexes: np.ndarray

    def unrounded(self, v: Tensor) -> np.ndarray:
        """Return what was rounded to the symbols y, v less the means, (M, h, w) float64.

        Args:
            v: (1, M, h, w), the latent that was quantised.
        """
        means = self.values.astype(np.float64) - self.y
        return np.asarray(v[0].double().numpy() - means)


@dataclass(frozen=True)
class Relaxed:
    """What the editor uses in place of quantised latents.

    Attributes:
        values: (1, M, h, w), v̂ with relaxed rounding.
        bits: Scalar, the rate of the part that was asked for.
    """

    values: Tensor
    bits: Tensor


def nearest(places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Round to the nearest integers that the coder can code; a :data:`Chooser`."""
    rounded = np.rint(values)
    return np.clip(rounded, -SYMBOL_LIMIT, SYMBOL_LIMIT, out=rounded)


class Codec(ABC):
    """A codec with its weights; no call changes it.

    Attributes:
        spec: The codec's line in the registry.
        fingerprint: 8 bytes that name the weights in the header of a .lik file.
        latent_channels: M.
        hyper_channels: N.
        qualities: Those with gain vectors of their own, ascending; the codec codes at any quality
            from the first to the last.
        analysis_halo: Receptive radius of g_a in pixels, rounded up to whole latents.
        synthesis_halo: Receptive radius of g_s in latents.
        analysis_parts, synthesis_parts, hyper_parts: How g_a, g_s and h_a are cut up.

    Example:
        A picture is analysed and quantised, its symbols are coded and decoded, and a picture is
        made of them:

        >>> import torch
        >>> from skimage.data import astronaut
        >>> from latentink.codecs.loading import load_codec
        >>> from latentink.picture import to_tensor
        >>> codec = load_codec("hyperprior")
        >>> picture = to_tensor(astronaut()[:64, 200:300])
        >>> quality_code = codec.quality_code(5.5)
        >>> v = codec.analyse(picture, quality_code)
        >>> v.shape  # a latent for each 16×16 pixels
        torch.Size([1, 320, 4, 7])
        >>> latents = codec.quantise(v, codec.hyper_analyse(v), quality_code)
        >>> stream = codec.encode(latents)
        >>> decoded = codec.decode(stream, 64, 100, quality_code)
        >>> bool((decoded.y == latents.y).all() and (decoded.z == latents.z).all())
        True
        >>> made = codec.synthesise(decoded.values, quality_code, (64, 100))
        >>> bool((made - picture).square().mean().sqrt() < 0.03)
        True
    """

    analysis_halo: ClassVar[int]
    synthesis_halo: ClassVar[int]
    analysis_parts: ClassVar[Sequence[Part]]
    synthesis_parts: ClassVar[Sequence[Part]]
    hyper_parts: ClassVar[Sequence[Part]]
    g_a: nn.Sequential
    g_s: nn.Sequential
    h_a: nn.Sequential
    h_s: FixedPointSequence

    def __init__(self, spec: CodecSpec, tensors: dict[str, Tensor], fingerprint: bytes) -> None:
        """Take the tensors that all codecs have from those of a weights file (weights_file.py)."""
        self.spec, self.fingerprint = spec, fingerprint
        self.log_gain, self.log_inverse = tensors["log_gain"], tensors["log_inverse"]
        self.latent_channels = self.log_gain.shape[1]
        self.hyper_channels = tensors["medians"].numel()
        self.qualities: list[float] = tensors["qualities"].tolist()
        self._medians = tensors["medians"].view(1, -1, 1, 1)
        self._scale_levels = tensors["scale_levels"].contiguous()
        self._gaussian = unpack_table("gaussian", tensors).coding()
        self._hyper = unpack_table("hyper", tensors).coding()

    @property
    def name(self) -> str:
        """The codec's name on the command line."""
        return self.spec.name

    def on(self, device: torch.device) -> Codec:
        """Return the codec with g_s and what :meth:`relax` needs on ``device``, for the editor.

        All else, symbols and what drives the entropy coder, is the same and stays on the CPU.
        """
        if device.type == "cpu":
            return self
        moved = copy.copy(self)
        moved.g_s = on_device(self.g_s, device)
        return moved

    # --- quality --------------------------------------------------------------------------

    def quality_code(self, quality: float) -> int:
        """Return ``quality`` as a whole number of :data:`~latentink.container.QUALITY_UNIT`.

        Raises:
            OptionError: The weights were not trained for this quality.
        """
        low, high = self.qualities[0], self.qualities[-1]
        if not low <= quality <= high:
            choice = f"{low:g} to {high:g}" if high > low else f"{low:g}, the only one it has"
            raise OptionError(f"Quality {quality:g} is not available; choose {choice}.")
        return round(quality / QUALITY_UNIT)

    def gain(self, quality_code: int) -> Tensor:
        """Return g (1, M, 1, 1) float32 of a quality code.

        Raises:
            ContainerError: The weights were not trained for this quality.
        """
        return self._gain(self.log_gain, quality_code)

    def inverse_gain(self, quality_code: int) -> Tensor:
        """Return g' (1, M, 1, 1) float32 of a quality code; see :meth:`gain`."""
        return self._gain(self.log_inverse, quality_code)

    def _gain(self, rows: Tensor, quality_code: int) -> Tensor:
        position = quality_code * QUALITY_UNIT
        if not self.qualities[0] <= position <= self.qualities[-1]:
            raise ContainerError(
                "This file has a quality that its codec does not have; get a fresh copy of it."
            )
        log = interpolate(rows, self.qualities, torch.tensor([position]))
        return log.exp().view(1, -1, 1, 1)

    def lagrangian(self, quality_code: int) -> float:
        """Return λ1 of Eq. 1 for a quality code (gains.py)."""
        return lagrangian(quality_code * QUALITY_UNIT)

    # --- transforms -----------------------------------------------------------------------

    def latent_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the latent for a picture of ``height`` × ``width`` pixels."""
        return math.ceil(height / STRIDE), math.ceil(width / STRIDE)

    def hyper_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the hyper-latent for a latent of ``size``."""
        return math.ceil(math.ceil(size[0] / 2) / 2), math.ceil(math.ceil(size[1] / 2) / 2)

    @working_alone()
    @torch.no_grad()
    def analyse(self, picture: Tensor, quality_code: int) -> Tensor:
        """Return v = g·g_a(picture), the latent in units of symbols.

        Args:
            picture: (1, 3, H, W) in [0, 1]; its border is repeated up to whole latents.
            quality_code: The quality in units of ``QUALITY_UNIT``.

        Returns:
            (1, M, ⌈H/16⌉, ⌈W/16⌉) float32.

        Raises:
            ContainerError: The weights were not trained for this quality.
        """
        height, width = picture.shape[-2:]
        missing = (-width % STRIDE, -height % STRIDE)
        padded = functional.pad(picture, (0, missing[0], 0, missing[1]), mode="replicate")
        y = apply_in_regions(
            partial(apply_in_parts, self.g_a, parts=self.analysis_parts),
            padded,
            height=_REGION_HEIGHT * STRIDE,
            width=_REGION_WIDTH * STRIDE,
            halo=self.analysis_halo,
            scale=Fraction(1, STRIDE),
        )
        return y * self.gain(quality_code)

    @working_alone()
    def synthesise(
        self,
        values: np.ndarray,
        quality_code: int,
        size: tuple[int, int],
        known: tuple[np.ndarray, Tensor] | None = None,
    ) -> Tensor:
        """Return the picture g_s(g'·v̂), (1, 3, H, W) float32 in [0, 1].

        Args:
            values: v̂, (M, h, w).
            quality_code: The quality in units of ``QUALITY_UNIT``.
            size: Height and width of the picture in pixels.
            known: Other values at the same quality and the picture (1, 3, H, W) made of them.
                Regions of a large picture that depend on the same values are copied from there.

        Raises:
            ContainerError: The weights were not trained for this quality.
        """
        inverse_gain, other = self.inverse_gain(quality_code), None
        latent = torch.from_numpy(values).float()[None] * inverse_gain
        if known is not None:
            before = torch.from_numpy(known[0]).float()[None] * inverse_gain
            missing = [s * STRIDE - n for s, n in zip(values.shape[1:], size, strict=True)]
            other = before, functional.pad(known[1], (0, missing[1], 0, missing[0]))
        with torch.no_grad():
            picture = apply_in_regions(
                partial(apply_in_parts, self.g_s, parts=self.synthesis_parts),
                latent,
                height=_REGION_HEIGHT if other is None else _REGION_WIDTH,
                width=_REGION_WIDTH,
                halo=self.synthesis_halo,
                scale=Fraction(STRIDE),
                known=other,
            )
        return picture[..., : size[0], : size[1]].clamp_(0, 1)

    def synthesise_part(
        self, values: np.ndarray, quality_code: int, size: tuple[int, int], part: Rectangle
    ) -> Tensor:
        """Return a part of what :meth:`synthesise` returns, and compute only that.

        Args:
            values: v̂ of the whole picture, (M, h, w).
            quality_code: The quality in units of ``QUALITY_UNIT``.
            size: Height and width of the whole picture in pixels.
            part: The part, in pixels.

        Returns:
            (1, 3, part.height, part.width) float32 in [0, 1].
        """
        whole = Rectangle(0, 0, *self.latent_size(*size))
        seen = part.coarsened(STRIDE).grown(self.synthesis_halo, whole)
        pixels = seen.scaled(STRIDE).clipped(Rectangle(0, 0, *size))
        around = self.synthesise(
            values[:, seen.rows, seen.columns], quality_code, (pixels.height, pixels.width)
        )
        inner = part.shifted(pixels)
        return around[..., inner.rows, inner.columns]

    @working_alone()
    @torch.no_grad()
    def hyper_analyse(self, v: Tensor) -> np.ndarray:
        """Return the symbols (N, h', w') int32 of the hyper-latent for v (1, M, h, w)."""
        z = self._hyper_transform(v)
        symbols = torch.round(z.double() - self._medians).clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)
        return symbols[0].int().numpy()

    @abstractmethod
    def _hyper_transform(self, v: Tensor) -> Tensor:
        """Return z (1, N, h', w'), not rounded, for v (1, M, h, w)."""

    # --- entropy model --------------------------------------------------------------------

    @abstractmethod
    def side(self, z: np.ndarray, size: tuple[int, int]) -> Tensor:
        """Return what the entropy model computes from ẑ, in exact arithmetic.

        Args:
            z: Symbols of the hyper-latent, (N, h', w').
            size: Height and width of the latent, h and w.

        Returns:
            (1, C, h, w) float64, C as the codec has it.
        """

    @abstractmethod
    def passes(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return the order in which the symbols of a latent are coded, pass by pass.

        The entropy model of a pass depends on ẑ and on earlier passes alone.

        Args:
            shape: Of the latent, (M, h, w).

        Returns:
            Flat positions in (M, h, w) for each pass; together they are all positions, once each.
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
        """Return the latents of a picture, given its hyper-latent.

        Args:
            v: The latent in units of symbols, (1, M, h, w).
            z: Symbols of the hyper-latent, (N, h', w') int32.
            quality_code: The quality in units of ``QUALITY_UNIT``.
            choose: Called once for each pass, in the order of :meth:`passes`.
            side: What :meth:`side` returns for ``z``, to save the time; None: it is computed.
        """

    @abstractmethod
    def relax(
        self, v: Tensor, side: Tensor, core: Rectangle, rounding: Rounding, rate_rounding: Rounding
    ) -> Relaxed:
        """Return v̂ of a patch with relaxed rounding, and the rate of the patch's core.

        Both are differentiable with respect to ``v``.

        Args:
            v: The latent of the patch in units of symbols, (1, M, h, w).
            side: What :meth:`side` returns, of the same patch, in float32.
            core: The part of the patch whose rate is wanted.
            rounding: The rounding that makes v̂.
            rate_rounding: The rounding that makes the values whose rate is taken.
        """

    def table_indexes(self, scales: Tensor) -> Tensor:
        """Return the row of the Gaussian table (uint8) for each of ``scales``, of any shape."""
        flat = scales.reshape(-1)
        indexes = torch.empty(flat.shape, dtype=torch.uint8)

        def find(given: Tensor, out: Tensor) -> None:
            out.copy_(torch.bucketize(given, self._scale_levels[:-1], out_int32=True))

        run_in_threads(find, zip(flat.split(_AT_A_TIME), indexes.split(_AT_A_TIME), strict=True))
        return indexes.view(scales.shape)

    @property
    def scales(self) -> np.ndarray:
        """Standard deviations of the rows of the Gaussian table, ascending."""
        return self._scale_levels.numpy()

    def table_scales(self, indexes: Tensor) -> Tensor:
        """Return the standard deviations (float32) of rows of the Gaussian table."""
        return self._scale_levels[indexes.long()].float()

    def _hyper_synthesis(self, z: np.ndarray, size: tuple[int, int]) -> Tensor:
        """Return h_s(ẑ), (1, C, h, w) float64, exact; arguments as for :meth:`side`."""
        return self.h_s(self._hyper_latent(z))[..., : size[0], : size[1]]

    def _hyper_latent(self, z: np.ndarray) -> Tensor:
        return torch.from_numpy(z).double()[None] + self._medians

    # --- bitstream ------------------------------------------------------------------------

    def encode(self, latents: Latents) -> bytes:
        """Return the rANS stream of z, then of y in its :meth:`passes`."""
        y, indexes = latents.y.ravel(), latents.indexes.ravel()
        return encode(
            [
                Pass(latents.z.ravel(), _channel_indexes(latents.z.shape).ravel(), self._hyper),
                *(
                    Pass(y[places], indexes[places], self._gaussian)
                    for places in self.passes(latents.y.shape)
                ),
            ]
        )

    @working_alone()
    def decode(self, stream: bytes, height: int, width: int, quality_code: int) -> Latents:
        """Return the latents that :meth:`encode` was given.

        Args:
            stream: What it returned.
            height: Of the picture in pixels.
            width: Of the picture in pixels.
            quality_code: The quality in units of ``QUALITY_UNIT``.

        Raises:
            ContainerError: The stream is not one that :meth:`encode` returns for a picture of this
                size, or the weights were not trained for this quality.
        """
        self.gain(quality_code)
        size = self.latent_size(height, width)
        places = self.hyper_size(size)
        if len(stream) < self._least_bytes(places):
            raise ContainerError(
                f"This file's coded data is too short for {width}×{height} pixels; "
                "get a fresh copy of it."
            )
        shape = (self.hyper_channels, *places)
        decoder = Decoder(stream, math.prod(shape) + self.latent_channels * math.prod(size))
        z = decoder.read(_channel_indexes(shape), self._hyper)
        latents = self._decode_latent(decoder, z, size, quality_code)
        decoder.finish()
        return latents

    def _least_bytes(self, places: tuple[int, int]) -> int:
        """Return a bound on the stream's length that needs no memory: the cheapest z of all."""
        bits = np.maximum(self._hyper.least_cost - _ROUNDING_BITS, 0).sum()
        return int(float(bits) * math.prod(places) / 8)

    @abstractmethod
    def _decode_latent(
        self, decoder: Decoder, z: np.ndarray, size: tuple[int, int], quality_code: int
    ) -> Latents:
        """Return the latents whose y comes next; ``size`` is the latent's height and width."""


def _channel_indexes(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.arange(shape[0], dtype=np.int32)[:, None, None], shape)
