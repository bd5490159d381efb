"""Compression and authenticated encryption: a message becomes bytes that look random.

Layout of the sealed bytes: salt (16), ciphertext (1 + body), Poly1305 tag (16). The plaintext is
one flag byte and the body: the message as it is, or its raw deflate stream (RFC 1951) where that
is shorter. The cipher is ChaCha20-Poly1305 (RFC 8439) with an all-zero nonce, under a key
that HKDF-SHA256 (RFC 5869) derives from the master key and the salt; it is new for every message.
"""

from __future__ import annotations

import hmac
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from latentink.errors import CapacityError, MessageNotFoundError
from latentink.payload.keys import Keys
from latentink.payload.keystream import KEY_BYTES

SALT_BYTES = 16
TAG_BYTES = 16
SEALED_OVERHEAD = SALT_BYTES + 1 + TAG_BYTES
"""Bytes that sealing adds to the body: salt, flag and tag."""

SHORT_TAG_BYTES = 8
ENCRYPTED_OVERHEAD = 1 + SHORT_TAG_BYTES
"""Bytes that :func:`packed` and :func:`encrypt` add to the body: flag and tag."""

MAX_SEALED_BYTES = 2**24 - 1
MAX_MESSAGE_BYTES = MAX_SEALED_BYTES - SEALED_OVERHEAD
"""The longest message before compression; a compressed body may not expand to more."""

STORED, DEFLATED = 0, 1
_NONCE = bytes(12)
_NOT_FOUND = (
    "No message was found: the password is wrong, or the picture carries no message; check both."
)


def message_salt(keys: Keys, entropy: bytes, *inputs: bytes, length: int = SALT_BYTES) -> bytes:
    """Return a salt that is new for every entropy and for all inputs, yet reproducible.

    Args:
        keys: from the password.
        entropy: from :func:`~latentink.payload.keystream.entropy_of`.
        inputs: what the salt depends on as well: the message, size and pixels of the cover.
        length: bytes, 32 at most.
    """
    # Each with its length, so that no two lists of inputs are the same bytes.
    parts = (len(part).to_bytes(8, "little") + part for part in (entropy, *inputs))
    return hmac.digest(keys.subkey("salt"), b"".join(parts), "sha256")[:length]


def _message_key(keys: Keys, salt: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=salt, info=b"latentink/1/seal").derive(keys.master)


def _deflate(message: bytes) -> bytes:
    compressor = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
    return compressor.compress(message) + compressor.flush()


def _inflate(body: bytes) -> bytes:
    """Return the message in ``body``, never expanding it beyond ``MAX_MESSAGE_BYTES``."""
    decompressor = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        message = decompressor.decompress(body, MAX_MESSAGE_BYTES + 1)
    except zlib.error as error:
        raise MessageNotFoundError(
            "The message's compressed data is damaged; ask for it again."
        ) from error
    if len(message) > MAX_MESSAGE_BYTES:
        raise MessageNotFoundError(
            f"The message expands to more than {MAX_MESSAGE_BYTES} bytes and was refused; "
            "ask for a shorter one."
        )
    if not decompressor.eof or decompressor.unused_data:
        raise MessageNotFoundError("The message's compressed data is damaged; ask for it again.")
    return message


def packed(message: bytes) -> bytes:
    """Return the plaintext that is encrypted: a flag, and the message or its deflate stream.

    Raises:
        CapacityError: the message is longer than ``MAX_MESSAGE_BYTES``.
    """
    if len(message) > MAX_MESSAGE_BYTES:
        raise CapacityError(
            f"The message has {len(message)} bytes; no more than {MAX_MESSAGE_BYTES} can be "
            "hidden; shorten it."
        )
    deflated = _deflate(message)
    if len(deflated) < len(message):
        return bytes([DEFLATED]) + deflated
    return bytes([STORED]) + message


def encrypt(plaintext: bytes, keys: Keys) -> bytes:
    """Return ciphertext and a short tag, ``ENCRYPTED_OVERHEAD`` less 1 longer than ``plaintext``.

    AES-256-CCM (RFC 3610) with a tag of 8 bytes: whoever does not have the keys passes a forged
    message off as genuine once in 2⁶⁴ attempts.

    Args:
        plaintext: what :func:`packed` returns.
        keys: salted, and used for no other message: the nonce is all zeros.

    Example:
        >>> from latentink.payload.keys import derive_keys
        >>> keys = derive_keys("tide").salted(b"of one file")
        >>> decrypt(encrypt(packed(b"meet at noon"), keys), keys)
        b'meet at noon'
    """
    return _short_cipher(keys).encrypt(_NONCE, plaintext, None)


def decrypt(ciphertext: bytes, keys: Keys) -> bytes:
    """Return the message behind what :func:`encrypt` returned; errors as for :func:`unseal`."""
    if len(ciphertext) < ENCRYPTED_OVERHEAD:
        raise MessageNotFoundError(_NOT_FOUND)
    try:
        plaintext = _short_cipher(keys).decrypt(_NONCE, ciphertext, None)
    except InvalidTag as error:
        raise MessageNotFoundError(_NOT_FOUND) from error
    return _unpacked(plaintext)


def _short_cipher(keys: Keys) -> AESCCM:
    return AESCCM(keys.subkey("encrypt"), tag_length=SHORT_TAG_BYTES)


def seal(message: bytes, keys: Keys, salt: bytes) -> bytes:
    """Return ``message`` compressed if that helps, encrypted and authenticated.

    Args:
        message: up to ``MAX_MESSAGE_BYTES`` bytes; it may be empty.
        keys: from the password.
        salt: 16 bytes that are new for every message: two messages under the same key and salt
            reveal the XOR of their plaintexts and let anybody forge a third.

    Returns:
        At most ``len(message) + SEALED_OVERHEAD`` bytes.

    Raises:
        CapacityError: the message is longer than ``MAX_MESSAGE_BYTES``.
        ValueError: the salt does not have 16 bytes.

    Example:
        >>> from latentink.payload.keys import derive_keys
        >>> keys = derive_keys("tide")
        >>> sealed = seal(b"meet at noon", keys, salt=bytes(16))
        >>> len(sealed)
        45
        >>> unseal(sealed, keys)
        b'meet at noon'
    """
    return seal_packed(packed(message), keys, salt)


def seal_packed(plaintext: bytes, keys: Keys, salt: bytes) -> bytes:
    """Return what :func:`seal` returns, of what :func:`packed` returned."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return salt + ChaCha20Poly1305(_message_key(keys, salt)).encrypt(_NONCE, plaintext, None)


def unseal(sealed: bytes, keys: Keys) -> bytes:
    """Return the message in ``sealed``.

    Raises:
        MessageNotFoundError: the key is wrong, or a byte is changed or missing. A sender who knows
            the key may also have sealed a body that does not expand to a message of legal size.
    """
    if len(sealed) < SEALED_OVERHEAD:
        raise MessageNotFoundError(_NOT_FOUND)
    salt, ciphertext = sealed[:SALT_BYTES], sealed[SALT_BYTES:]
    try:
        plaintext = ChaCha20Poly1305(_message_key(keys, salt)).decrypt(_NONCE, ciphertext, None)
    except InvalidTag as error:
        raise MessageNotFoundError(_NOT_FOUND) from error
    return _unpacked(plaintext)


def _unpacked(plaintext: bytes) -> bytes:
    """Return the message in what :func:`packed` returned, 1 byte or more."""
    flag, body = plaintext[0], plaintext[1:]
    if flag == STORED:
        return body
    if flag == DEFLATED:
        return _inflate(body)
    raise MessageNotFoundError(f"The message has the unknown format {flag}; update latentink.")
