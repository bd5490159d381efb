"""The .lik file, as docs/format.md describes it byte by byte.

A file with a message has the same fields as one without.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from latentink.errors import ContainerError
from latentink.geometry import is_picture_size

MAGIC = b"\x8bLIK"
VERSION = 2
QUALITY_UNIT = 1 / 256
"""The quality is stored as a whole number of this unit, which the code calls a quality code."""
_HEADER = struct.Struct("<4sBB8sHHH8sI")
_CHECK = struct.Struct("<I")
OVERHEAD_BYTES = _HEADER.size + _CHECK.size
_DIGEST_AT = 20


@dataclass(frozen=True)
class LikFile:
    """The fields of a .lik file.

    Attributes:
        codec_number: The codec's number in the registry (codecs/registry.py).
        fingerprint: The first 8 bytes of the SHA-256 of the codec's weights file.
        height: Of the picture in pixels.
        width: Of the picture in pixels.
        quality_code: The quality in units of :data:`QUALITY_UNIT`.
        digest: 8 bytes, as from :func:`digest_of`.
        stream: The rANS stream of hyper-latent and latent.
    """

    codec_number: int
    fingerprint: bytes
    height: int
    width: int
    quality_code: int
    digest: bytes
    stream: bytes


def pack(file: LikFile) -> bytes:
    """Return the bytes of a .lik file.

    Example:
        >>> file = LikFile(1, bytes(8), 64, 100, 5 * 256, bytes(8), b"symbols")
        >>> data = pack(file)
        >>> len(data) == OVERHEAD_BYTES + 7
        True
        >>> unpack(data) == file
        True
    """
    body = _header(file) + file.stream
    return body + _CHECK.pack(zlib.crc32(body))


def unpack(data: bytes) -> LikFile:
    """Return the fields of a .lik file.

    Raises:
        ContainerError: The bytes are not a .lik file, or one that is cut short, altered, of another
            version of the format, or of a size that no .lik file has.
    """
    if data[:4] != MAGIC:
        raise ContainerError("This is not a .lik file; name one that hide or compress wrote.")
    if len(data) < OVERHEAD_BYTES:
        raise ContainerError("This .lik file is cut short; get a complete copy of it.")
    fields = _HEADER.unpack_from(data)
    _, version, codec_number, fingerprint, height, width, quality_code, digest, length = fields
    expected = OVERHEAD_BYTES + length
    intact = _CHECK.unpack_from(data, len(data) - _CHECK.size)[0] == zlib.crc32(
        data[: -_CHECK.size]
    )
    if intact and version == 1:
        raise ContainerError(
            "This .lik file was made by latentink 0.1, which alone can read it; make it again."
        )
    if intact and version != VERSION:
        raise ContainerError(f"This .lik file has format version {version}; update latentink.")
    if len(data) < expected:
        raise ContainerError(
            f"This .lik file is cut short ({len(data)} of {expected} bytes); "
            "get a complete copy of it."
        )
    if not intact or len(data) != expected:
        raise ContainerError("This .lik file was altered or damaged; get a fresh copy of it.")
    if not is_picture_size(height, width):
        raise ContainerError(
            f"This .lik file claims {width}×{height} pixels and is not genuine; "
            "get a fresh copy of it."
        )
    stream = data[_HEADER.size : -_CHECK.size]
    return LikFile(codec_number, fingerprint, height, width, quality_code, digest, stream)


def digest_of(file: LikFile, z: np.ndarray, y: np.ndarray) -> bytes:
    """Return 8 bytes of BLAKE2b over the header's fields before the digest and the symbols.

    Args:
        file: Its digest and stream are not looked at.
        z: Symbols of the hyper-latent; these and then ``y`` are hashed as little-endian int32 in
            the order (C, h, w).
        y: Symbols of the latent.
    """
    digest = hashlib.blake2b(_header(file)[:_DIGEST_AT], digest_size=8)
    for symbols in (z, y):
        digest.update(np.ascontiguousarray(symbols, dtype="<i4").tobytes())
    return digest.digest()


def key_salt(file: LikFile, z: np.ndarray) -> bytes:
    """Return 32 bytes of BLAKE2b over the header's fields before the digest and the hyper-latent.

    Sender and receiver know them before any key, and no two photos have the same.

    Args:
        file: Its digest and stream are not looked at.
        z: Symbols of the hyper-latent, hashed as in :func:`digest_of`.
    """
    digest = hashlib.blake2b(_header(file)[:_DIGEST_AT], digest_size=32, person=b"latentink salt")
    digest.update(np.ascontiguousarray(z, dtype="<i4").tobytes())
    return digest.digest()


def _header(file: LikFile) -> bytes:
    return _HEADER.pack(
        MAGIC,
        VERSION,
        file.codec_number,
        file.fingerprint,
        file.height,
        file.width,
        file.quality_code,
        file.digest,
        len(file.stream),
    )
