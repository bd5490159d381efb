"""A photo compressed without a message, and latents as the file that travels."""

from __future__ import annotations

import numpy as np

from latentink.codecs.codec import Latents
from latentink.codecs.registry import LoadedCodec
from latentink.container import LikFile, digest_symbols, pack
from latentink.hiding.job import Plain
from latentink.metrics.distortion import psnr_db
from latentink.picture import to_picture, to_tensor


def compress_plainly(codec: LoadedCodec, cover: np.ndarray, quality: int) -> Plain:
    """Return the cover (H, W, 3) uint8 as the codec gives it back at a quality code."""
    tensor = to_tensor(cover)
    v = codec.codec.analyse(tensor, quality)
    z = codec.codec.hyper_analyse(v)
    side = codec.codec.side(z, (v.shape[-2], v.shape[-1]))
    latents = codec.codec.quantise(v, z, quality, side=side)
    size = cover.shape[0], cover.shape[1]
    picture = to_picture(codec.codec.synthesise(latents.values, quality, size))
    file_bytes = len(pack_latents(codec, latents, size))
    return Plain(tensor, v, side, latents, picture, psnr_db(cover, picture), file_bytes)


def pack_latents(codec: LoadedCodec, latents: Latents, size: tuple[int, int]) -> bytes:
    """Return the .lik file of the latents of a photo of ``size`` (height, width) pixels."""
    y_stream, z_stream = codec.codec.encode(latents)
    return pack(
        LikFile(
            codec=codec.number,
            fingerprint=codec.fingerprint,
            height=size[0],
            width=size[1],
            quality=latents.quality,
            symbols_digest=digest_symbols(latents.z, latents.y),
            z_stream=z_stream,
            y_stream=y_stream,
        )
    )
