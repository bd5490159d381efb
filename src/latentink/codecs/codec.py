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
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentink.codecs.entropy_model import (
    STRIDE,
    SYMBOL_LIMIT,
    Chooser,
    EntropyModel,
    Latents,
    nearest,
)
from latentink.codecs.gains import interpolate, lagrangian
from latentink.codecs.registry import CodecSpec
from latentink.codecs.tiling import Part, apply_in_parts, apply_in_regions
from latentink.container import QUALITY_UNIT
from latentink.devices import on_device
from latentink.errors import OptionError
from latentink.geometry import Rectangle
from latentink.threads import working_alone

# Latents; pictures depend on the width of regions in their last bits (tiling.py).
_REGION_WIDTH, _REGION_HEIGHT = 64, 1024

Rounding = Callable[[Tensor], Tensor]
"""Rounding made differentiable: maps real values to real values of the same shape."""


@dataclass(frozen=True)
class Relaxed:
    """What the editor uses in place of quantised latents.

    Attributes:
        values: (1, M, h, w), v̂ with relaxed rounding.
        bits: Scalar, the rate of the part that was asked for.
    """

    values: Tensor
    bits: Tensor


class Codec(ABC):
    """A codec with its weights; no call changes it.

    Attributes:
        entropy: Its entropy model, which turns symbols into bytes and back.
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
        >>> stream = codec.entropy.encode(latents)
        >>> decoded = codec.entropy.decode(stream, 64, 100, quality_code)
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

    def __init__(self, entropy: EntropyModel, tensors: Mapping[str, np.ndarray]) -> None:
        """Take what all codecs have from the tensors of a weights file (weights_file.py)."""
        self.entropy = entropy
        self.log_gain = torch.from_numpy(tensors["log_gain"])
        self.log_inverse = torch.from_numpy(tensors["log_inverse"])
        self._medians = torch.from_numpy(entropy.medians).view(1, -1, 1, 1)
        self._scale_levels = torch.from_numpy(entropy.scales)

    @property
    def spec(self) -> CodecSpec:
        """The codec's line in the registry."""
        return self.entropy.spec

    @property
    def name(self) -> str:
        """The codec's name on the command line."""
        return self.spec.name

    @property
    def qualities(self) -> list[float]:
        """Those with gain vectors of their own, ascending."""
        return self.entropy.qualities

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
        self.entropy.check_quality(quality_code)
        quality = torch.tensor([quality_code * QUALITY_UNIT])
        log = interpolate(rows, self.qualities, quality)
        return log.exp().view(1, -1, 1, 1)

    def lagrangian(self, quality_code: int) -> float:
        """Return λ1 of Eq. 1 for a quality code (gains.py)."""
        return lagrangian(quality_code * QUALITY_UNIT)

    # --- transforms -----------------------------------------------------------------------

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
        whole = Rectangle(0, 0, *self.entropy.latent_size(*size))
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

    # --- symbols --------------------------------------------------------------------------

    def quantise(
        self,
        v: Tensor,
        z: np.ndarray,
        quality_code: int,
        choose: Chooser = nearest,
        side: np.ndarray | None = None,
    ) -> Latents:
        """Return the latents of v (1, M, h, w); see :meth:`EntropyModel.quantise`."""
        values = np.ascontiguousarray(v[0].numpy())
        return self.entropy.quantise(values, z, quality_code, choose, side)

    @abstractmethod
    def conditions(self, side: np.ndarray) -> Tensor:
        """Return (1, C, h, w) float32, what :meth:`relax` needs of :meth:`EntropyModel.side`."""

    @abstractmethod
    def relax(
        self, v: Tensor, side: Tensor, core: Rectangle, rounding: Rounding, rate_rounding: Rounding
    ) -> Relaxed:
        """Return v̂ of a patch with relaxed rounding, and the rate of the patch's core.

        Both are differentiable with respect to ``v``.

        Args:
            v: The latent of the patch in units of symbols, (1, M, h, w).
            side: What :meth:`conditions` returns, of the same patch.
            core: The part of the patch whose rate is wanted.
            rounding: The rounding that makes v̂.
            rate_rounding: The rounding that makes the values whose rate is taken.
        """

    def table_scales(self, rows: np.ndarray) -> Tensor:
        """Return the standard deviations (float32) of rows of the Gaussian table."""
        return self._scale_levels[torch.from_numpy(rows).long()].float()
