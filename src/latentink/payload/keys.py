"""Derives a master key from a password, and from that one subkey per purpose."""

from __future__ import annotations

import unicodedata
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from latentink.errors import OptionError
from latentink.payload.keystream import KEY_BYTES, Keystream, derive

PICTURE_SALT = b"latentink/1"
"""The salt for messages in pictures, in which a receiver finds nothing before it has a key."""
SCRYPT_N = 2**17
SCRYPT_R = 8
SCRYPT_P = 1


@dataclass(frozen=True)
class Keys:
    """A 32-byte master key, from which every other key of a picture is derived.

    Attributes:
        master: the key.
        is_public: whether it is used without a password, and so known to anybody.

    Raises:
        ValueError: ``master`` is not 32 bytes long.
    """

    master: bytes
    is_public: bool = False

    def __post_init__(self) -> None:
        if len(self.master) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, not {len(self.master)}")

    def __repr__(self) -> str:
        """Say whether the key is public, but never the key itself: reprs end up in logs."""
        return f"Keys({'public' if self.is_public else 'from a password'})"

    def subkey(self, purpose: str) -> bytes:
        """Return the 32-byte subkey for ``purpose`` (see :func:`keystream.derive`)."""
        return derive(self.master, purpose)

    def salted(self, salt: bytes) -> Keys:
        """Return keys that are new for every salt (HKDF-SHA256)."""
        hkdf = HKDF(SHA256(), KEY_BYTES, salt=salt, info=b"latentink/1/salted")
        return Keys(hkdf.derive(self.master), self.is_public)

    def stream(self, purpose: str) -> Keystream:
        """Return the keystream for ``purpose``, from its first byte."""
        return Keystream(self.master, purpose)


def derive_keys(password: str | None, salt: bytes = PICTURE_SALT) -> Keys:
    """Return the keys for ``password``; this takes about 0.4 s and 128 MiB of memory, by design.

    The password is normalised to Unicode NFC and encoded as UTF-8, so that the same characters
    typed on different systems give the same key. ``None`` gives a public key: anybody who has
    latentink can then read the message.

    The salt of scrypt (RFC 7914) is that of a .lik file where the message is in the file
    (``container.key_salt``), so that a guessed password has to be tried on each file anew. In a
    picture the receiver finds nothing before it has the key, so there the salt is always the same,
    and a table of keys for common passwords serves against every picture. Only a password that is
    in no such table (six random words, or 16 random characters) protects a message there.

    Args:
        password: any text that is not empty, or None.
        salt: any bytes that sender and receiver both know.

    Raises:
        OptionError: the password is empty or cannot be encoded as UTF-8.

    Example:
        >>> derive_keys(None)
        Keys(public)
        >>> derive_keys("tide").subkey("salt") == derive_keys("ebb").subkey("salt")
        False
    """
    if password is None:
        return Keys(sha256(b"latentink/1/public" + salt).digest(), is_public=True)
    if not password:
        raise OptionError("The password is empty: give one, or leave the option out.")
    try:
        secret = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError as error:
        raise OptionError(
            "The password holds characters that are not valid Unicode; choose another."
        ) from error
    scrypt = Scrypt(salt, length=KEY_BYTES, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return Keys(scrypt.derive(secret))


class KeyRing:
    """The keys of one password, derived once for each salt.

    Example:
        >>> ring = KeyRing(None)
        >>> ring.keys(b"one file") == ring.keys(b"another file")
        False
    """

    def __init__(self, password: str | None) -> None:
        """Take the password, or None for the public keys; nothing is derived yet."""
        self._password = password
        self._made: dict[bytes, Future[Keys]] = {}

    def prepare(self, salt: bytes = PICTURE_SALT) -> None:
        """Begin to derive the keys for a salt that will be needed, beside what the caller does."""
        if salt not in self._made:
            thread = ThreadPoolExecutor(1, "latentink keys")
            self._made[salt] = thread.submit(derive_keys, self._password, salt)
            thread.shutdown(wait=False)

    def keys(self, salt: bytes = PICTURE_SALT) -> Keys:
        """Return the keys for a salt; arguments and errors as for :func:`derive_keys`."""
        self.prepare(salt)
        return self._made[salt].result()
