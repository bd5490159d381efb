import hashlib
import zlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from latentink.errors import CapacityError, MessageNotFoundError
from latentink.payload import sealing
from latentink.payload.keys import Keys
from latentink.payload.sealing import (
    ENCRYPTED_OVERHEAD,
    MAX_MESSAGE_BYTES,
    SEALED_OVERHEAD,
    decrypt,
    encrypt,
    message_salt,
    packed,
    seal,
    unseal,
)

KEYS = Keys(hashlib.sha256(b"test").digest())
SALT = bytes(range(16))


def sealed_plaintext(plaintext: bytes) -> bytes:
    """Seal a plaintext of one's own making, as somebody who knows the password could."""
    key = sealing._message_key(KEYS, SALT)
    return SALT + ChaCha20Poly1305(key).encrypt(bytes(12), plaintext, None)


@given(message=st.binary(max_size=3000), master=st.binary(min_size=32, max_size=32))
def test_round_trip(message: bytes, master: bytes) -> None:
    sealed = seal(message, Keys(master), SALT)
    assert len(sealed) <= len(message) + SEALED_OVERHEAD
    assert unseal(sealed, Keys(master)) == message


def test_format_is_pinned() -> None:
    # Too short for deflate to help, so that no zlib version enters.
    sealed = seal(b"format", KEYS, SALT)
    assert sealed[:16] == SALT
    assert (
        sealed.hex()
        == "000102030405060708090a0b0c0d0e0f924ac022b3da4b1616bcea97894982f828a758665e3d06"
    )


def test_empty_message() -> None:
    sealed = seal(b"", KEYS, SALT)
    assert len(sealed) == SEALED_OVERHEAD == 33
    assert unseal(sealed, KEYS) == b""


def test_repetitive_messages_shrink() -> None:
    message = b"all work and no play makes jack a dull boy " * 100
    sealed = seal(message, KEYS, SALT)
    assert len(sealed) < 200
    assert unseal(sealed, KEYS) == message


@given(position=st.integers(0, 10**6), mask=st.integers(1, 255))
def test_every_change_is_noticed(position: int, mask: int) -> None:
    sealed = bytearray(seal(b"a message", KEYS, SALT))
    sealed[position % len(sealed)] ^= mask
    with pytest.raises(MessageNotFoundError):
        unseal(bytes(sealed), KEYS)


@pytest.mark.parametrize("length", [0, 1, 16, 32, 33, 41])
def test_truncated(length: int) -> None:
    with pytest.raises(MessageNotFoundError):
        unseal(seal(b"a message", KEYS, SALT)[:length], KEYS)


def test_wrong_key() -> None:
    with pytest.raises(MessageNotFoundError, match=r"password is wrong"):
        unseal(seal(b"a message", KEYS, SALT), Keys(bytes(32)))


def test_compressed_bomb_is_refused() -> None:
    compressor = zlib.compressobj(level=9, wbits=-15)
    chunk = bytes(2**20)
    bomb = b"".join(compressor.compress(chunk) for _ in range(20)) + compressor.flush()
    with pytest.raises(MessageNotFoundError, match="expands to more than"):
        unseal(sealed_plaintext(bytes([sealing.DEFLATED]) + bomb), KEYS)


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xff", sealing._deflate(b"x" * 99)[:-2], sealing._deflate(b"x") + b"more"]
)
def test_damaged_deflate_stream(body: bytes) -> None:
    with pytest.raises(MessageNotFoundError, match="damaged"):
        unseal(sealed_plaintext(bytes([sealing.DEFLATED]) + body), KEYS)


def test_unknown_flag() -> None:
    with pytest.raises(MessageNotFoundError, match="unknown format 7"):
        unseal(sealed_plaintext(b"\7body"), KEYS)


def test_limits() -> None:
    with pytest.raises(CapacityError, match=str(MAX_MESSAGE_BYTES)):
        seal(bytes(MAX_MESSAGE_BYTES + 1), KEYS, SALT)
    with pytest.raises(ValueError, match="16 bytes"):
        seal(b"", KEYS, b"short")


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_a_salt_depends_on_where_the_message_ends(both: bytes, first: int, second: int) -> None:
    """A message that takes over the beginning of the cover has another salt."""
    one, other = min(first, len(both)), min(second, len(both))
    salts = [message_salt(KEYS, b"0", both[:cut], both[cut:]) for cut in (one, other)]
    assert (salts[0] == salts[1]) == (one == other)
    assert message_salt(KEYS, b"1", both[:one], both[one:]) != salts[0]
    assert message_salt(KEYS, b"0", both[:one], both[one:], length=8) == salts[0][:8]


@given(message=st.binary(max_size=300), master=st.binary(min_size=32, max_size=32))
def test_short_seals_open_under_their_keys_only(message: bytes, master: bytes) -> None:
    keys = Keys(master)
    ciphertext = encrypt(packed(message), keys)
    assert len(ciphertext) <= len(message) + ENCRYPTED_OVERHEAD
    assert decrypt(ciphertext, keys) == message
    for wrong in (ciphertext[:-1], ciphertext[:3], bytes([ciphertext[0] ^ 1]) + ciphertext[1:]):
        with pytest.raises(MessageNotFoundError):
            decrypt(wrong, keys)
    with pytest.raises(MessageNotFoundError):
        decrypt(ciphertext, keys.salted(b"another"))


def test_the_short_seal_is_pinned() -> None:
    assert encrypt(packed(b"format"), KEYS).hex() == "240892aa33a77a9c9fba7de884b1d0"
