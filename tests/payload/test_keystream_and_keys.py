import hashlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from latentink.errors import OptionError
from latentink.payload import keys as keys_module
from latentink.payload.keys import KeyRing, Keys, derive_keys
from latentink.payload.keystream import Keystream, derive, entropy_of


def test_chacha20_is_that_of_rfc_8439() -> None:
    # RFC 8439, section 2.4.2: block counter 1, then the nonce.
    key = bytes(range(32))
    nonce = bytes.fromhex("01000000" + "000000000000004a00000000")
    encryptor = Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor()
    plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip"
    assert encryptor.update(plain)[:16].hex() == "6e2e359a2568f98041ba0728dd0d6981"


def test_hkdf_and_the_stream_keep_their_first_bytes() -> None:
    assert (
        derive(bytes(32), "test").hex()
        == "138b42939ebc3abddba901361b0bc3515a30f1624bf131d3b40c594910881c4f"
    )
    assert Keystream(bytes(32), "test").take(16).hex() == "19ec0bad1eaca6b1359bd4c54de07487"


def test_the_stream_is_the_same_in_any_portions() -> None:
    whole = Keystream(bytes(32), "portions").take(300)
    stream = Keystream(bytes(32), "portions")
    assert stream.take(7) + stream.take(193) + stream.take(100) == whole


def test_permutation_and_uniform() -> None:
    permutation = Keystream(bytes(32), "p").permutation(1000)
    assert sorted(permutation) == list(range(1000))
    assert not np.array_equal(permutation, np.arange(1000))
    values = Keystream(bytes(32), "u").uniform(10000)
    assert values.min() >= 0
    assert values.max() < 1
    assert abs(values.mean() - 0.5) < 0.02


def test_password_to_master_key_is_pinned() -> None:
    assert (
        hashlib.sha256(derive_keys("correct horse").master).hexdigest()
        == "5b6046d7f40ce44ae9525ff4d64e386002a91b54a9d65397de45ed70b019bc64"
    )


def test_scrypt_parameters_are_the_documented_ones() -> None:
    expected = hashlib.scrypt(
        "pässword".encode(), salt=b"latentink/1", n=2**17, r=8, p=1, maxmem=2**28, dklen=32
    )
    assert derive_keys("pässword").master == expected
    assert derive_keys("pässword", b"of a file").master != expected


def test_passwords_are_normalised() -> None:
    assert derive_keys("u\u0308") == derive_keys("\u00fc")


def test_no_password_is_the_public_key() -> None:
    keys = derive_keys(None)
    assert keys.master == hashlib.sha256(b"latentink/1/public" + b"latentink/1").digest()
    assert keys.is_public
    assert derive_keys(None, b"of a file").is_public
    assert derive_keys(None, b"of a file") != keys
    assert not Keys(bytes(32)).is_public


@pytest.mark.parametrize("password", ["", "\ud800"])
def test_impossible_passwords(password: str) -> None:
    with pytest.raises(OptionError):
        derive_keys(password)


def test_keys_are_checked_and_never_printed() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(b"short")
    secret = Keys(bytes(range(32)))
    assert "\\x01" not in repr(secret)
    assert repr(secret) == "Keys(from a password)"


def test_subkeys_differ_by_purpose_and_master() -> None:
    one, other = Keys(bytes(32)), Keys(bytes(31) + b"\1")
    subkeys = {keys.subkey(purpose) for keys in (one, other) for purpose in ("a", "b")}
    assert len(subkeys) == 4
    assert one.stream("a").take(8) == Keystream(one.master, "a").take(8)
    assert keys_module.SCRYPT_N == 131072


def test_a_key_ring_has_keys_for_every_salt() -> None:
    ring = KeyRing("tide")
    assert ring.keys() == derive_keys("tide")
    assert ring.keys(b"a") == ring.keys(b"a") != ring.keys(b"b")


def test_salted_keys_are_new_and_as_public_as_before() -> None:
    keys = derive_keys(None)
    assert keys.salted(b"a") == keys.salted(b"a") != keys.salted(b"b")
    assert keys.salted(b"a").is_public
    assert not Keys(bytes(32)).salted(b"a").is_public


def test_entropy_is_random_but_for_a_seed() -> None:
    assert entropy_of(7) == entropy_of(7) != entropy_of(8)
    assert len({entropy_of(None) for _ in range(10)}) == 10
    assert len(entropy_of(None)) == len(entropy_of(2**63 - 1)) == 32
