"""Compresses photos without a message, and makes pictures of .lik files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor

from latentink.codecs.codec import Codec
from latentink.codecs.coins import CoinFlips
from latentink.codecs.entropy_model import Latents
from latentink.codecs.file_coding import blank_file, decode_latents, pack_latents
from latentink.codecs.loading import codec_of_file
from latentink.container import key_salt, unpack
from latentink.geometry import Rectangle
from latentink.payload.keystream import Keystream
from latentink.picture import psnr_db, to_picture, to_tensor
from latentink.threads import working_alone


@dataclass(frozen=True)
class Plain:
    """A photo compressed without a message; picture and file are made when first asked for.

    Attributes:
        codec: it compressed the photo.
        photo: (H, W, 3) uint8.
        v: (1, M, h, w), its latent in units of symbols.
        side: (C, h, w), what :meth:`EntropyModel.side` returns for its hyper-latent.
        latents: its symbols.
        free: how many of them a coin has decided, pass by pass.
    """

    codec: Codec
    photo: np.ndarray
    v: Tensor
    side: np.ndarray
    latents: Latents
    free: Sequence[int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photo, pixels."""
        return self.photo.shape[0], self.photo.shape[1]

    @cached_property
    def cover(self) -> Tensor:
        """The photo, (1, 3, H, W) in [0, 1]."""
        return to_tensor(self.photo)

    @cached_property
    @working_alone()
    def picture(self) -> np.ndarray:
        """The picture decoded from the symbols, (H, W, 3) uint8."""
        latents = self.latents
        return to_picture(self.codec.synthesise(latents.values, latents.quality_code, self.size))

    @cached_property
    def psnr_db(self) -> float:
        """PSNR of that picture against the photo, dB."""
        return psnr_db(self.photo, self.picture)

    @cached_property
    def data(self) -> bytes:
        """The bytes of the .lik file."""
        return pack_latents(self.codec.entropy, self.latents, self.size)

    @property
    def file_bytes(self) -> int:
        """Size of that file."""
        return len(self.data)


@working_alone()
def compress_plainly(
    codec: Codec,
    cover: np.ndarray,
    quality_code: int,
    coins: Keystream,
    on_salt: Callable[[bytes], object] = lambda salt: None,
) -> Plain:
    """Compress a photo without a message.

    Args:
        codec: The codec.
        cover: The photo, (H, W, 3) uint8.
        quality_code: The quality in units of :data:`~latentink.container.QUALITY_UNIT`.
        coins: They decide the symbols near a border (coins.py).
        on_salt: Called with the salt of the file's keys as soon as that is known.

    Raises:
        ContainerError: The codec does not have this quality.
    """
    v = codec.analyse(to_tensor(cover), quality_code)
    z = codec.hyper_analyse(v)
    size = cover.shape[0], cover.shape[1]
    on_salt(key_salt(blank_file(codec.entropy, quality_code, size), z))
    side = codec.entropy.side(z, (v.shape[-2], v.shape[-1]))
    flips = CoinFlips(coins, codec.entropy.scales)
    latents = codec.quantise(v, z, quality_code, flips, side)
    return Plain(codec, cover, v, side, latents, flips.free)


@dataclass(frozen=True)
class Decoded:
    """What is in a .lik file, decoded.

    Attributes:
        codec: the codec that the file was made with.
        latents: the file's symbols.
        size: height and width of the picture, pixels.
    """

    codec: Codec
    latents: Latents
    size: tuple[int, int]

    @working_alone()
    def picture(self, plain: Plain | None = None) -> np.ndarray:
        """Return the picture (H, W, 3) uint8.

        Args:
            plain: The same photo without a message. If it has the same quality, equal parts of the
                picture are copied from there.
        """
        latents = self.latents
        known = None
        if plain is not None and plain.latents.quality_code == latents.quality_code:
            known = plain.latents.values, to_tensor(plain.picture)
        return to_picture(
            self.codec.synthesise(latents.values, latents.quality_code, self.size, known)
        )

    def part(self, place: Rectangle) -> Tensor:
        """Return a rectangle of the picture as (1, 3, h, w) in [0, 1], of 8-bit values."""
        latents = self.latents
        made = self.codec.synthesise_part(latents.values, latents.quality_code, self.size, place)
        return to_tensor(to_picture(made))


def decode_file(data: bytes, weights: Path | None = None) -> Decoded:
    """Decode a .lik file.

    Args:
        data: Its bytes.
        weights: The codec's weights file, if it is neither bundled nor in the user's folder.

    Raises:
        ContainerError: The bytes are not a .lik file, or one that is cut short or altered.
        WeightsError: The file was made with a codec or weights that are not here.
    """
    file = unpack(data)
    codec = codec_of_file(file.codec_number, file.fingerprint, weights)
    return Decoded(codec, decode_latents(codec.entropy, file), (file.height, file.width))
