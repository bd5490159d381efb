"""Latents to the bytes of a .lik file and back, without networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from latentink.codecs.entropy_model import EntropyModel, Latents
from latentink.container import LikFile, digest_of, key_salt, pack
from latentink.errors import ContainerError


def pack_latents(entropy: EntropyModel, latents: Latents, size: tuple[int, int]) -> bytes:
    """Return the bytes of the .lik file of a photo's latents.

    Args:
        entropy: The entropy model of the codec that the latents are of.
        latents: The latents.
        size: Height and width of the photo in pixels.
    """
    file = replace(blank_file(entropy, latents.quality_code, size), stream=entropy.encode(latents))
    return pack(replace(file, digest=digest_of(file, latents.z, latents.y)))


def salt_of(entropy: EntropyModel, latents: Latents, size: tuple[int, int]) -> bytes:
    """Return the salt of the keys of a photo's file, which all but the latent's symbols decide.

    Args:
        entropy: The entropy model of the codec that the latents are of.
        latents: The latents.
        size: Height and width of the photo in pixels.
    """
    return key_salt(blank_file(entropy, latents.quality_code, size), latents.z)


def blank_file(entropy: EntropyModel, quality_code: int, size: tuple[int, int]) -> LikFile:
    """Return the file of a photo, but for its digest and stream.

    Args:
        entropy: The entropy model of its codec.
        quality_code: The quality in units of :data:`~latentink.container.QUALITY_UNIT`.
        size: Height and width of the photo in pixels.
    """
    return LikFile(
        codec_number=entropy.spec.number,
        fingerprint=entropy.fingerprint,
        height=size[0],
        width=size[1],
        quality_code=quality_code,
        digest=bytes(8),
        stream=b"",
    )


def decode_latents(
    entropy: EntropyModel,
    file: LikFile,
    on_salt: Callable[[bytes], object] = lambda salt: None,
) -> Latents:
    """Return the latents of a .lik file.

    Args:
        entropy: The entropy model of the codec that made the file.
        file: The file.
        on_salt: Called with the salt of the file's keys as soon as that is known.

    Raises:
        ContainerError: The file was altered, or it is not of this codec.
    """
    latents = entropy.decode(
        file.stream,
        file.height,
        file.width,
        file.quality_code,
        lambda z: on_salt(key_salt(file, z)),
    )
    if digest_of(file, latents.z, latents.y) != file.digest:
        raise ContainerError(
            "This .lik file does not decode to what was encoded; get a fresh copy of it."
        )
    return latents
