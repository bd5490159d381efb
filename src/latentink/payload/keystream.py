"""A specified random generator: ChaCha20 (RFC 8439) keyed by HKDF-SHA256 (RFC 5869).

Everything that must stay the same for years (placement, whitening, keyed network weights, code
construction) is drawn from here, never from a library's default generator, whose stream may change
between releases.
"""

from __future__ import annotations

import os
from hashlib import sha256

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


def derive(key: bytes, purpose: str) -> bytes:
    """Return the 32-byte subkey of ``key`` for ``purpose`` (HKDF-SHA256, no salt)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"latentink/1/" + purpose.encode()).derive(key)


def entropy_of(seed: int | None) -> bytes:
    """Return 32 bytes from which all that is random in one run follows.

    Args:
        seed: 0 to 2⁶³ − 1, for a run that can be repeated; None takes the bytes from the operating
            system.
    """
    if seed is None:
        return os.urandom(KEY_BYTES)
    return sha256(b"latentink/1/seed" + seed.to_bytes(8, "little")).digest()


class Keystream:
    """The ChaCha20 keystream of ``derive(key, purpose)``, nonce 0, block counter from 0.

    Integers are little-endian. Two streams with the same key and purpose give the same values.

    Example:
        >>> Keystream(bytes(32), "an example").integers(2) % 100
        array([10, 52], dtype=uint64)
    """

    def __init__(self, key: bytes, purpose: str) -> None:
        cipher = Cipher(algorithms.ChaCha20(derive(key, purpose), bytes(16)), mode=None)
        self._encryptor = cipher.encryptor()

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        return self._encryptor.update(bytes(count))

    def bits(self, count: int) -> np.ndarray:
        """Return ``count`` bits, uint8 of 0 and 1, least significant bit of a byte first."""
        packed = np.frombuffer(self.take((count + 7) // 8), dtype=np.uint8)
        return np.unpackbits(packed, bitorder="little")[:count]

    def integers(self, count: int) -> np.ndarray:
        """Return ``count`` uint64 integers, uniform on all 64-bit values."""
        return np.frombuffer(self.take(8 * count), dtype="<u8").astype(np.uint64, copy=False)

    def uniform(self, count: int) -> np.ndarray:
        """Return ``count`` float64 in [0, 1): the top 53 bits of one 64-bit integer each."""
        return (self.integers(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def permutation(self, count: int) -> np.ndarray:
        """Return a permutation of 0 … count − 1 (int64): the stable order of 64-bit integers."""
        return np.argsort(self.integers(count), kind="stable")
