"""Least-significant-bit embedding in the pixels: replacement and ±1 matching.

Replacement overwrites the lowest bit, so even values can only grow and odd ones only shrink.
Matching avoids this: where the bit is wrong, it adds or subtracts 1 at random (Sharp, "An
implementation of key-based digital signal steganography", Information Hiding 2001).

Planes 0, 1 and 2 of the bits are the lowest bits of R, G and B, planes 3, 4 and 5 the second
lowest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentink.errors import OptionError
from latentink.methods.entries import MethodEntry
from latentink.methods.method import SavedMethod, Stego
from latentink.methods.saving import Png, eight_bits, from_eight_bits

CHANNELS = 3


class _LowBits(SavedMethod):
    """What replacement and matching share: planes, file format and reading."""

    saving = Png()
    depth: int

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (D, H, W)."""
        return (self.depth, *cover.shape[:2])

    def extract(self, stego: Stego) -> np.ndarray:
        """Return the low bits of the picture as −1 and 1, float32 of shape (D, H, W)."""
        pixels = eight_bits(stego.picture)
        planes = [_plane(pixels, index) for index in range(self.depth)]
        return np.stack(planes).astype(np.float32) * 2 - 1


@dataclass(frozen=True)
class LsbReplacement(_LowBits):
    """Overwrites the low bits of each pixel; nothing is random, so the seed has no effect.

    Attributes:
        depth: bits in each pixel, 1 to 6: the lowest of R, G, B, then the second lowest.

    Raises:
        OptionError: the depth is out of range.
    """

    depth: int = 1
    name = "lsb-replacement"

    def __post_init__(self) -> None:
        """Refuse a depth out of range."""
        _check_depth(self.name, self.depth, 2 * CHANNELS)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a PNG whose low bits are ``bits``.

        Raises:
            OptionError: the bits are of another shape.
        """
        self.check_bits(cover, bits)
        pixels = cover.copy()
        for index, plane in enumerate(bits):
            significance, channel = divmod(index, CHANNELS)
            kept = pixels[..., channel] & np.uint8(255 - (1 << significance))
            pixels[..., channel] = kept | (plane.astype(np.uint8) << significance)
        return _stego(pixels)


@dataclass(frozen=True)
class LsbMatching(_LowBits):
    """Changes a value by ±1 at random if its lowest bit is wrong; 0 becomes 1, 255 becomes 254.

    Attributes:
        depth: bits in each pixel, 1 to 3: the lowest of R, G, B. There is no second bit, because a
            change of ±1 cannot set it freely.

    Raises:
        OptionError: the depth is out of range.
    """

    depth: int = 1
    name = "lsb-matching"

    def __post_init__(self) -> None:
        """Refuse a depth out of range."""
        _check_depth(self.name, self.depth, CHANNELS)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a PNG whose lowest bits are ``bits``; the seed draws the signs.

        Raises:
            OptionError: the bits are of another shape.
        """
        self.check_bits(cover, bits)
        values = cover[..., : self.depth].transpose(2, 0, 1).astype(np.int16)
        signs = np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int16), values.shape)
        signs = np.where(values == 0, 1, np.where(values == 255, -1, signs))
        moved = np.where((values & 1) == bits, values, values + signs)
        pixels = cover.copy()
        pixels[..., : self.depth] = moved.transpose(1, 2, 0)
        return _stego(pixels)


def _plane(pixels: np.ndarray, index: int) -> np.ndarray:
    significance, channel = divmod(index, CHANNELS)
    plane: np.ndarray = pixels[..., channel] >> significance & 1
    return plane


def _stego(pixels: np.ndarray) -> Stego:
    picture = from_eight_bits(pixels)
    return Stego(Png().encode(picture), picture)


def _check_depth(name: str, depth: int, most: int) -> None:
    if not 1 <= depth <= most:
        raise OptionError(f"{name} takes 1 to {most} bits a pixel, not {depth}.")


ENTRIES = (
    MethodEntry(
        "lsb-replacement",
        "folklore",
        "lowest bits replaced, PNG",
        lambda options: LsbReplacement(options.depth),
        depths=2 * CHANNELS,
    ),
    MethodEntry(
        "lsb-matching",
        "Sharp 2001",
        "lowest bits by ±1, PNG",
        lambda options: LsbMatching(options.depth),
        depths=CHANNELS,
    ),
)
