"""Derives a master key from a password, and from that one subkey per purpose."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from latentink.errors import OptionError
from latentink.payload.keystream import KEY_BYTES, Keystream, derive

SCRYPT_SALT = b"latentink/1"
SCRYPT_N = 2**16
SCRYPT_R = 8
SCRYPT_P = 1

PUBLIC_MASTER = sha256(b"latentink/1/public").digest()
"""The master key where no password is given; anybody can compute it."""


@dataclass(frozen=True)
class Keys:
    """A 32-byte master key, from which every other key of a picture is derived.

    Raises:
        ValueError: ``master`` is not 32 bytes long.
    """

    master: bytes

    def __post_init__(self) -> None:
        if len(self.master) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, not {len(self.master)}")

    def __repr__(self) -> str:
        """Say whether the key is public, but never the key itself: reprs end up in logs."""
        return f"Keys({'public' if self.is_public else 'from a password'})"

    @property
    def is_public(self) -> bool:
        """Whether this is the key used without a password."""
        return self.master == PUBLIC_MASTER

    def subkey(self, purpose: str) -> bytes:
        """Return the 32-byte subkey for ``purpose`` (see :func:`keystream.derive`)."""
        return derive(self.master, purpose)

    def stream(self, purpose: str) -> Keystream:
        """Return the keystream for ``purpose``, from its first byte."""
        return Keystream(self.master, purpose)


def derive_keys(password: str | None) -> Keys:
    """Return the keys for ``password``; this takes about 0.2 s and 64 MiB of memory, by design.

    The password is normalised to Unicode NFC and encoded as UTF-8, so that the same characters
    typed on different systems give the same key. ``None`` gives a fixed public key: anybody who has
    latentink can then read the message.

    The scrypt salt (RFC 7914) is the same for all files. The receiver must find the positions of
    the raw bits from the password and the file alone, so it could not read a salt per file before
    it knows the key. An attacker therefore pays for scrypt with 64 MiB once per guessed password
    and not once per file: a table of keys for common passwords can be computed in advance and tried
    on every picture in the world. Only a password that is in no such table (six random words, or 16
    random characters) protects a message.

    Args:
        password: any text that is not empty, or None.

    Raises:
        OptionError: the password is empty or cannot be encoded as UTF-8.

    Example:
        >>> derive_keys(None)
        Keys(public)
        >>> derive_keys("tide").subkey("salt") == derive_keys("ebb").subkey("salt")
        False
    """
    if password is None:
        return Keys(PUBLIC_MASTER)
    if not password:
        raise OptionError("The password is empty: give one, or leave the option out.")
    try:
        secret = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError as error:
        raise OptionError("The password holds characters that are not valid Unicode.") from error
    scrypt = Scrypt(SCRYPT_SALT, length=KEY_BYTES, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return Keys(scrypt.derive(secret))
