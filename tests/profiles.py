"""Small colour profiles for the tests, after ICC.1:2001-04 (version 2)."""

from __future__ import annotations

import struct

from PIL import ImageCms

_D50 = 0.9642, 1.0, 0.8249


def red_is_green() -> bytes:
    """Return sRGB's profile with its primaries red and green exchanged."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return data.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")


def grey(exponent: float) -> bytes:
    """Return the profile of greyscale whose light is a power of its values."""
    curve = b"curv" + struct.pack(">4xIH2x", 1, round(256 * exponent))
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": curve})


def black_ink_alone() -> bytes:
    """Return the profile of CMYK inks of which only black is seen: L* falls evenly with it."""
    paper, black = bytes([255, 128, 128]), bytes([0, 128, 128])
    unchanged = struct.pack(">9i", *(65536 * (place % 4 == 0) for place in range(9)))
    straight = bytes(range(256))
    table = b"mft1" + struct.pack(">4x4B", 4, 3, 2, 0) + unchanged
    table += 4 * straight + 8 * (paper + black) + 3 * straight
    return _profile(b"CMYK", b"Lab ", dict.fromkeys((b"A2B0", b"A2B1", b"A2B2"), table))


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile for output devices that maps ``space`` to a connection space."""
    tags = {b"wtpt": b"XYZ " + struct.pack(">4x3i", *(round(65536 * v) for v in _D50)), **tags}
    place = 128 + 4 + 12 * len(tags)
    index, body = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        index += name + struct.pack(">2I", place + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    white = struct.pack(">3i", *(round(65536 * v) for v in _D50))
    head = struct.pack(">I4xI4s4s4s", place + len(body), 0x02400000, b"prtr", space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + white
    return head.ljust(128, b"\0") + index + body
