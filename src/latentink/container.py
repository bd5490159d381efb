"""The .lik file, byte by byte as in docs/format.md: the same fields with and without a message."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from latentink.errors import ContainerError

MAGIC = b"\x8bLIK"
VERSION = 1
QUALITY_UNIT = 1 / 256
"""Quality steps per unit of the header's quality field."""
_HEADER = struct.Struct("<4sBB8sIIH8sII")
_CHECK = struct.Struct("<I")
OVERHEAD_BYTES = _HEADER.size + _CHECK.size
_MAXIMUM_PIXELS = 2**27


@dataclass(frozen=True)
class LikFile:
    """The fields of a .lik file.

    Attributes:
        codec: codec identifier, 1 for the hyperprior.
        fingerprint: 8 bytes of the SHA-256 of the weights file that the symbols belong to.
        height: of the picture, pixels.
        width: of the picture, pixels.
        quality_code: the quality in units of :data:`QUALITY_UNIT`.
        symbols_digest: 8 bytes over the symbols, see :func:`digest_symbols`.
        z_stream: the hyper-latent's rANS stream.
        y_stream: the latent's rANS stream.
    """

    codec: int
    fingerprint: bytes
    height: int
    width: int
    quality_code: int
    symbols_digest: bytes
    z_stream: bytes
    y_stream: bytes


def pack(file: LikFile) -> bytes:
    """Return the bytes of a .lik file."""
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        file.codec,
        file.fingerprint,
        file.height,
        file.width,
        file.quality_code,
        file.symbols_digest,
        len(file.z_stream),
        len(file.y_stream),
    )
    body = header + file.z_stream + file.y_stream
    return body + _CHECK.pack(zlib.crc32(body))


def unpack(data: bytes) -> LikFile:
    """Return the fields of a .lik file.

    Raises:
        ContainerError: foreign, truncated, altered, of a newer version, or of an absurd size.
    """
    if data[:4] != MAGIC:
        raise ContainerError("This is not a .lik file; it does not start as one.")
    if len(data) < OVERHEAD_BYTES:
        raise ContainerError("This .lik file is cut short; get a complete copy of it.")
    _, version, codec, fingerprint, height, width, quality_code, digest, z_length, y_length = (
        _HEADER.unpack_from(data)
    )
    expected = OVERHEAD_BYTES + z_length + y_length
    intact = _CHECK.unpack_from(data, len(data) - _CHECK.size)[0] == zlib.crc32(
        data[: -_CHECK.size]
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
    if not (0 < height * width <= _MAXIMUM_PIXELS):
        raise ContainerError(f"This .lik file claims {width}×{height} pixels; it is not genuine.")
    z_stream = data[_HEADER.size : _HEADER.size + z_length]
    y_stream = data[_HEADER.size + z_length : -_CHECK.size]
    return LikFile(codec, fingerprint, height, width, quality_code, digest, z_stream, y_stream)


def digest_symbols(z: np.ndarray, y: np.ndarray) -> bytes:
    """Return 8 bytes of BLAKE2b over z then y, each as little-endian int32 in (C, h, w) order."""
    digest = hashlib.blake2b(digest_size=8)
    for symbols in (z, y):
        digest.update(np.ascontiguousarray(symbols, dtype="<i4").tobytes())
    return digest.digest()
