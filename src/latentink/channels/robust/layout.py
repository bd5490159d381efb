"""Where preamble and message lie on a grid, and which lengths there are.

The message is framed as salt (7 bytes), ciphertext and tag (8); its length is one of
:data:`LENGTHS`, and the index of that length is all that the preamble says. The rest follows from
the grid: 256 projections of 6 coefficients for the preamble; of the others three raw bits for each
bit of the frame, as many coefficients each as the grid has.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from latentink.channels.robust.grid import Grid
from latentink.channels.robust.projections import Projections, keyed_projections
from latentink.payload.keys import Keys
from latentink.payload.sealing import ENCRYPTED_OVERHEAD, decrypt, encrypt

SALT_BYTES = 7
FRAME_OVERHEAD = SALT_BYTES + ENCRYPTED_OVERHEAD
"""Bytes that a frame is longer than the body of its message, at least."""
_EXACT, _COARSE = 256, 32
LENGTHS = (
    *range(FRAME_OVERHEAD, _EXACT),
    *(_EXACT + 8 * count for count in range(512)),
    *(_EXACT + 8 * 512 + _COARSE * count for count in range(272)),
)
"""Lengths of frames, bytes: each up to 255, every eighth up to 4,344, every 32nd up to 13,024."""

PREAMBLE_BITS = 256
PREAMBLE_SPREAD = 6
"""Coefficients of each projection of the preamble."""
REDUNDANCY = 3
"""Raw bits for each bit of a frame, where the grid has so many coefficients."""
LEAST_REDUNDANCY = 1.5


@dataclass(frozen=True)
class Layout:
    """The projections of a grid.

    Attributes:
        preamble: 256 projections.
        message: of the raw bits.
    """

    preamble: Projections
    message: Projections


def layout(keys: Keys, grid: Grid, frame_bytes: int) -> Layout:
    """Return the projections for a frame.

    Raises:
        ValueError: the grid does not hold so many bytes.
    """
    left = grid.coefficients - PREAMBLE_BITS * PREAMBLE_SPREAD
    raw_bits = min(REDUNDANCY * 8 * frame_bytes, left)
    if raw_bits < LEAST_REDUNDANCY * 8 * frame_bytes:
        raise ValueError("the grid does not hold so many bytes")
    counts = [(PREAMBLE_BITS, PREAMBLE_SPREAD), (raw_bits, left // raw_bits)]
    preamble, message = keyed_projections(keys, grid, counts)
    return Layout(preamble, message)


def preamble_of(keys: Keys, grid: Grid) -> Projections:
    """Return the projections of the preamble alone."""
    return keyed_projections(keys, grid, [(PREAMBLE_BITS, PREAMBLE_SPREAD)])[0]


def largest_frame(grid: Grid) -> int:
    """Return the longest frame that a grid holds, in bytes; 0 if there is none.

    Example:
        >>> largest_frame(Grid(rows=32, columns=48))
        1664
    """
    left = grid.coefficients - PREAMBLE_BITS * PREAMBLE_SPREAD
    fitting = [length for length in LENGTHS if LEAST_REDUNDANCY * 8 * length <= left]
    return fitting[-1] if fitting else 0


def frame_length(plaintext_bytes: int) -> int | None:
    """Return the length of the frame of a plaintext, or None if it is too long for any."""
    needed = plaintext_bytes + FRAME_OVERHEAD - 1
    if needed >= _EXACT:
        needed += 1  # The last byte says how many were added.
    at = bisect_left(LENGTHS, needed)
    return LENGTHS[at] if at < len(LENGTHS) else None


def framed(plaintext: bytes, keys: Keys, salt: bytes) -> bytes:
    r"""Return the frame of a plaintext.

    Args:
        plaintext: what :func:`~latentink.payload.sealing.packed` returns.
        keys: of the password.
        salt: 7 bytes that are new for every message.

    Raises:
        ValueError: it is too long for any frame.

    Example:
        >>> from latentink.payload.keys import derive_keys
        >>> keys = derive_keys(None)
        >>> frame = framed(bytes(300), keys, bytes(7))
        >>> len(frame), frame[-5:]
        (320, b'\x00\x00\x00\x00\x05')
    """
    length = frame_length(len(plaintext))
    if length is None:
        raise ValueError("the message is too long for a frame")
    frame = salt + encrypt(plaintext, keys.salted(salt))
    added = length - len(frame)
    return frame + (bytes(added - 1) + bytes([added]) if added else b"")


def unframed(frame: bytes, keys: Keys) -> bytes:
    """Return the message in a frame.

    Raises:
        MessageNotFoundError: it is none, or of other keys.
    """
    if len(frame) >= _EXACT:
        frame = frame[: max(FRAME_OVERHEAD, len(frame) - frame[-1])]
    return decrypt(frame[SALT_BYTES:], keys.salted(frame[:SALT_BYTES]))


def bits_of(data: bytes) -> np.ndarray:
    """Return the bits of bytes, uint8 of 0 and 1."""
    return np.unpackbits(np.frombuffer(data, dtype=np.uint8))
