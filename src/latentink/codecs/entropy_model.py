"""The entropy model of a codec: it turns symbols into bytes and back, in exact arithmetic.

::

    ẑ ──h_s──► scales (and means) of the symbols, from earlier symbols too
    symbols, ẑ ◄──rANS──► bytes

Sender and receiver compute the same parameters to the last bit (fixed_point.py), with NumPy alone:
who only reads the symbols of a file, as the receiver of a message does, needs no PyTorch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from latentink.codecs.entropy_tables import unpack_table
from latentink.codecs.fixed_point import ACTIVATION_UNIT
from latentink.codecs.rans.decoder import Decoder
from latentink.codecs.rans.encoder import Pass, encode
from latentink.codecs.rans.table import ESCAPE_LIMIT
from latentink.codecs.registry import CodecSpec
from latentink.container import QUALITY_UNIT
from latentink.errors import ContainerError

STRIDE = 16
SYMBOL_LIMIT = ESCAPE_LIMIT
# Scales below this, in units of the grid, are looked up in a table of rows.
_LOOKED_UP = 2**15
# A coder's state, at least 2^24, may gain by rounding as much as 2^-7 bits a symbol.
_ROUNDING_BITS = 2.0**-7

Chooser = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Chooses the symbols of one pass: (places, values, rows) → symbols, all of them (n,).

``places`` are flat positions in (M, h, w), ``values`` are v less its mean, which plain coding
rounds, in float64, or in float32 where the mean is 0, and ``rows`` are the rows of the Gaussian
table that code the symbols. The symbols are whole numbers of any type.
"""


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

    def unrounded(self, v: np.ndarray) -> np.ndarray:
        """Return what was rounded to the symbols y, v less the means, (M, h, w) float64.

        Args:
            v: (M, h, w), the latent that was quantised.
        """
        means = self.values.astype(np.float64) - self.y
        unrounded: np.ndarray = v.astype(np.float64) - means
        return unrounded


def nearest(places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Round to the nearest integers that the coder can code; a :data:`Chooser`."""
    rounded = np.rint(values)
    return np.clip(rounded, -SYMBOL_LIMIT, SYMBOL_LIMIT, out=rounded)


class EntropyModel(ABC):
    """The entropy model of a codec with its weights; no call changes it.

    Attributes:
        spec: The codec's line in the registry.
        fingerprint: 8 bytes that name the weights in the header of a .lik file.
        latent_channels: M.
        hyper_channels: N.
        qualities: Those with gain vectors of their own, ascending; the codec codes at any quality
            from the first to the last.
        medians: (N,) float64 of the hyper-latent.
        scales: (rows,) float64, ascending, the standard deviations of the rows of the Gaussian
            table.

    Example:
        >>> import numpy as np
        >>> from latentink.codecs.loading import load_entropy_model
        >>> model = load_entropy_model("hyperprior")
        >>> z = np.zeros((model.hyper_channels, 1, 2), dtype=np.int32)
        >>> v = np.random.default_rng(0).normal(size=(model.latent_channels, 4, 7))
        >>> latents = model.quantise(v, z, quality_code=1280)
        >>> stream = model.encode(latents)
        >>> decoded = model.decode(stream, height=64, width=100, quality_code=1280)
        >>> bool((decoded.y == latents.y).all() and (decoded.z == latents.z).all())
        True
    """

    def __init__(
        self, spec: CodecSpec, tensors: Mapping[str, np.ndarray], fingerprint: bytes
    ) -> None:
        """Take what all codecs have from the tensors of a weights file (weights_file.py)."""
        self.spec, self.fingerprint = spec, fingerprint
        self.latent_channels = tensors["log_gain"].shape[1]
        self.medians = np.asarray(tensors["medians"], dtype=np.float64)
        self.hyper_channels = len(self.medians)
        self.qualities: list[float] = tensors["qualities"].tolist()
        self.scales = np.asarray(tensors["scale_levels"], dtype=np.float64)
        self._rows_of_units = self._row_of(np.arange(_LOOKED_UP) * ACTIVATION_UNIT)
        self._gaussian = unpack_table("gaussian", tensors).coding()
        self._hyper = unpack_table("hyper", tensors).coding()

    # --- sizes and quality ----------------------------------------------------------------

    def latent_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the latent for a picture of ``height`` × ``width`` pixels."""
        return math.ceil(height / STRIDE), math.ceil(width / STRIDE)

    def hyper_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the hyper-latent for a latent of ``size``."""
        return math.ceil(math.ceil(size[0] / 2) / 2), math.ceil(math.ceil(size[1] / 2) / 2)

    def check_quality(self, quality_code: int) -> None:
        """Refuse a quality that the codec does not have.

        Raises:
            ContainerError: The weights were not trained for it.
        """
        if not self.qualities[0] <= quality_code * QUALITY_UNIT <= self.qualities[-1]:
            raise ContainerError(
                "This file has a quality that its codec does not have; get a fresh copy of it."
            )

    # --- parameters -----------------------------------------------------------------------

    @abstractmethod
    def side(self, z: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return what follows from ẑ alone, in exact arithmetic.

        Args:
            z: Symbols of the hyper-latent, (N, h', w').
            size: Height and width of the latent, h and w.

        Returns:
            (C, h, w), C and the type as the codec has them.
        """

    @abstractmethod
    def passes(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return the order in which the symbols of a latent are coded, pass by pass.

        The parameters of a pass depend on ẑ and on earlier passes alone.

        Args:
            shape: Of the latent, (M, h, w).

        Returns:
            Flat positions in (M, h, w) for each pass; together they are all positions, once each.
        """

    def by_pass(self, array: np.ndarray) -> list[np.ndarray]:
        """Return the entries of ``array`` (M, h, w), pass by pass, each (n,)."""
        flat = array.reshape(-1)
        return [flat[places] for places in self.passes(array.shape)]

    @abstractmethod
    def quantise(
        self,
        v: np.ndarray,
        z: np.ndarray,
        quality_code: int,
        choose: Chooser = nearest,
        side: np.ndarray | None = None,
    ) -> Latents:
        """Return the latents of a picture, given its hyper-latent.

        Args:
            v: The latent in units of symbols, (M, h, w).
            z: Symbols of the hyper-latent, (N, h', w') int32.
            quality_code: The quality in units of ``QUALITY_UNIT``.
            choose: Called once for each pass, in the order of :meth:`passes`.
            side: What :meth:`side` returns for ``z``, to save the time; None: it is computed.
        """

    def table_rows(self, units: np.ndarray) -> np.ndarray:
        """Return the row of the Gaussian table (uint8) for scales of any shape.

        Args:
            units: Scales in whole ``ACTIVATION_UNIT``.
        """
        whole = units.astype(np.int32)
        np.maximum(whole, 0, out=whole)
        wide = np.flatnonzero(whole >= _LOOKED_UP)
        if not len(wide):
            return self._rows_of_units.take(whole)
        rows = self._rows_of_units.take(whole, mode="clip")
        rows.reshape(-1)[wide] = self._row_of(whole.reshape(-1)[wide] * ACTIVATION_UNIT)
        return rows

    def _row_of(self, scales: np.ndarray) -> np.ndarray:
        """Return the row (uint8) of each of ``scales``: the first that is not narrower."""
        return np.searchsorted(self.scales[:-1], scales).astype(np.uint8)

    def _hyper_latent(self, z: np.ndarray) -> np.ndarray:
        """Return ẑ (N, h', w') float64."""
        return z + self.medians[:, None, None]

    # --- bitstream ------------------------------------------------------------------------

    def encode(self, latents: Latents) -> bytes:
        """Return the rANS stream of z, then of y in its :meth:`passes`."""
        y, rows = self.by_pass(latents.y), self.by_pass(latents.indexes)
        return encode(
            [
                Pass(latents.z.ravel(), _channel_indexes(latents.z.shape).ravel(), self._hyper),
                *(Pass(*own, self._gaussian) for own in zip(y, rows, strict=True)),
            ]
        )

    def decode(
        self,
        stream: bytes,
        height: int,
        width: int,
        quality_code: int,
        on_hyper: Callable[[np.ndarray], object] = lambda z: None,
    ) -> Latents:
        """Return the latents that :meth:`encode` was given.

        Args:
            stream: What it returned.
            height: Of the picture in pixels.
            width: Of the picture in pixels.
            quality_code: The quality in units of ``QUALITY_UNIT``.
            on_hyper: Called with z as soon as that is known.

        Raises:
            ContainerError: The stream is not one that :meth:`encode` returns for a picture of this
                size, or the weights were not trained for this quality.
        """
        self.check_quality(quality_code)
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
        on_hyper(z)
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
