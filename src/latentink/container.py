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

MAGIC = b"\x8bLIK"
VERSION = 1
QUALITY_UNIT = 1 / 256
"""The quality is stored as a whole number of this unit, which the code calls a quality code."""
_HEADER = struct.Struct("<4sBB8sIIH8sII")
_CHECK = struct.Struct("<I")
OVERHEAD_BYTES = _HEADER.size + _CHECK.size
_MAXIMUM_PIXELS = 2**27


@dataclass(frozen=True)
class LikFile:
    """The fields of a .lik file.

    Attributes:
        codec_number: The codec's number in the registry (codecs/registry.py).
        fingerprint: The first 8 bytes of the SHA-256 of the codec's weights file.
        height: Of the picture in pixels.
        width: Of the picture in pixels.
        quality_code: The quality in units of :data:`QUALITY_UNIT`.
        symbols_digest: 8 bytes, as from :func:`digest_symbols`.
        z_stream: The rANS stream of the hyper-latent.
        y_stream: The rANS stream of the latent.
    """

    codec_number: int
    fingerprint: bytes
    height: int
    width: int
    quality_code: int
    symbols_digest: bytes
    z_stream: bytes
    y_stream: bytes


def pack(file: LikFile) -> bytes:
    """Return the bytes of a .lik file.

    Example:
        >>> file = LikFile(1, bytes(8), 64, 100, 5 * 256, bytes(8), b"hyper", b"latent")
        >>> data = pack(file)
        >>> len(data) == OVERHEAD_BYTES + 11
        True
        >>> unpack(data) == file
        True
    """
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        file.codec_number,
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
        ContainerError: The bytes are not a .lik file, or one that is cut short, altered, of a newer
            version of the format, or of more than 2^27 pixels.
    """
    if data[:4] != MAGIC:
        raise ContainerError("This is not a .lik file; it does not start like one.")
    if len(data) < OVERHEAD_BYTES:
        raise ContainerError("This .lik file is cut short; get a complete copy of it.")
    (
        _,
        version,
        codec_number,
        fingerprint,
        height,
        width,
        quality_code,
        digest,
        z_length,
        y_length,
    ) = _HEADER.unpack_from(data)
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
    return LikFile(
        codec_number, fingerprint, height, width, quality_code, digest, z_stream, y_stream
    )


def digest_symbols(z: np.ndarray, y: np.ndarray) -> bytes:
    """Return 8 bytes of BLAKE2b over the symbols of z, then of y.

    Both are hashed as little-endian int32 in the order (C, h, w).
    """
    digest = hashlib.blake2b(digest_size=8)
    for symbols in (z, y):
        digest.update(np.ascontiguousarray(symbols, dtype="<i4").tobytes())
    return digest.digest()
