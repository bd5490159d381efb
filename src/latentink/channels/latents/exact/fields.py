"""What the blocks say, one after the other: the length of the ciphertext, and the ciphertext.

::

    block:   count (8 bits)    so many bits of the message
    message: length (24 bits)  ciphertext

The length is in bytes. Counts and length are whitened by a keystream of the salted keys, so that
all that is said is random without them.
"""

from __future__ import annotations

import numpy as np

from latentink.payload.keys import Keys

COUNT_BITS, LENGTH_BITS = 8, 24


class Fields:
    """Whitens numbers, or takes the whitening off, in their order.

    Example:
        >>> keys = Keys(bytes(32))
        >>> Fields(keys, "counts").read(Fields(keys, "counts").written(12, 9))
        12
    """

    def __init__(self, keys: Keys, kind: str) -> None:
        """Start at the first field.

        Args:
            keys: of the file, salted.
            kind: ``"length"`` or ``"counts"``, which are whitened by streams of their own.
        """
        self._stream = keys.stream(f"latents/exact/{kind}")

    def written(self, value: int, width: int) -> np.ndarray:
        """Return the next field as ``width`` whitened bits (uint8), least significant first."""
        bits = (value >> np.arange(width)) & 1
        return bits.astype(np.uint8) ^ self._stream.bits(width)

    def read(self, bits: np.ndarray) -> int:
        """Return the value of the next field from its whitened bits."""
        plain = (bits ^ self._stream.bits(len(bits))).astype(np.int64)
        return int(plain @ (1 << np.arange(len(bits))))
