"""A photo compressed without a message, and latents as the file that travels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from latentink.codecs.codec import Codec, Latents
from latentink.container import LikFile, digest_symbols, pack
from latentink.picture import psnr_db, to_picture, to_tensor


@dataclass(frozen=True)
class Plain:
    """A photo compressed without a message.

    Attributes:
        cover: (1, 3, H, W) in [0, 1].
        v: (1, M, h, w), its latent in units of symbols.
        side: (1, C, h, w) float64, what the entropy model knows from ẑ, exact.
        latents: the symbols.
        picture: (H, W, 3) uint8, what they decode to.
        psnr_db: of that picture.
        file_bytes: of the file.
    """

    cover: Tensor
    v: Tensor
    side: Tensor
    latents: Latents
    picture: np.ndarray
    psnr_db: float
    file_bytes: int


def compress_plainly(codec: Codec, cover: np.ndarray, quality_code: int) -> Plain:
    """Return the cover (H, W, 3) uint8 as the codec gives it back at a quality code."""
    tensor = to_tensor(cover)
    v = codec.analyse(tensor, quality_code)
    z = codec.hyper_analyse(v)
    side = codec.side(z, (v.shape[-2], v.shape[-1]))
    latents = codec.quantise(v, z, quality_code, side=side)
    size = cover.shape[0], cover.shape[1]
    picture = to_picture(codec.synthesise(latents.values, quality_code, size))
    file_bytes = len(pack_latents(codec, latents, size))
    return Plain(tensor, v, side, latents, picture, psnr_db(cover, picture), file_bytes)


def pack_latents(codec: Codec, latents: Latents, size: tuple[int, int]) -> bytes:
    """Return the .lik file of the latents of a photo of ``size`` (height, width) pixels."""
    y_stream, z_stream = codec.encode(latents)
    return pack(
        LikFile(
            codec=codec.spec.number,
            fingerprint=codec.fingerprint,
            height=size[0],
            width=size[1],
            quality_code=latents.quality_code,
            symbols_digest=digest_symbols(latents.z, latents.y),
            z_stream=z_stream,
            y_stream=y_stream,
        )
    )
