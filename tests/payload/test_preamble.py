import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentink.payload import ldpc
from latentink.payload.keys import Keys
from latentink.payload.preamble import (
    LONGEST_PREAMBLE,
    Preamble,
    decode_preamble,
    encode_preamble,
    preamble_bits,
)

KEYS = Keys(hashlib.sha256(b"test").digest())
FIELDS = Preamble(sealed_bytes=1234, raw_bits=54321, window=99)


@settings(deadline=None, max_examples=40)
@given(
    sealed_bytes=st.integers(0, 2**24 - 1),
    raw_bits=st.integers(0, 2**28 - 1),
    window=st.integers(0, 255),
    length=st.integers(128, LONGEST_PREAMBLE),
)
def test_round_trip(sealed_bytes: int, raw_bits: int, window: int, length: int) -> None:
    fields = Preamble(sealed_bytes, raw_bits, window)
    bits = encode_preamble(fields, KEYS, length)
    assert bits.shape == (length,)
    assert decode_preamble(2.0 * bits - 1, KEYS) == fields


def test_format_is_pinned() -> None:
    packed = np.packbits(encode_preamble(FIELDS, KEYS, LONGEST_PREAMBLE), bitorder="little")
    assert hashlib.sha256(packed.tobytes()).hexdigest()[:16] == "5484e1f65b8b17f5"


def test_four_fifths_right_bits_are_enough() -> None:
    rng = np.random.default_rng(1)
    bits = encode_preamble(FIELDS, KEYS, LONGEST_PREAMBLE)
    for _ in range(200):
        soft = 2.0 * (bits ^ (rng.random(bits.size) < 0.2)) - 1
        assert decode_preamble(soft, KEYS) == FIELDS


def test_wrong_keys_find_nothing() -> None:
    soft = 2.0 * encode_preamble(FIELDS, KEYS, LONGEST_PREAMBLE) - 1
    assert decode_preamble(soft, Keys(bytes(32))) is None


@pytest.mark.parametrize("length", [128, 300, LONGEST_PREAMBLE])
def test_random_input_is_nothing(length: int) -> None:
    rng = np.random.default_rng(2)
    assert all(decode_preamble(rng.normal(size=length), KEYS) is None for _ in range(30))


def test_a_codeword_without_its_check_is_refused() -> None:
    # The code is linear: adding the codeword of one check bit flips that bit and nothing else.
    one = np.zeros(80, dtype=np.uint8)
    one[70] = 1
    bits = encode_preamble(FIELDS, KEYS, 512) ^ ldpc.encode(one, 512)
    assert decode_preamble(2.0 * bits - 1, KEYS) is None


@pytest.mark.parametrize(
    ("available", "length"),
    [(-5, 0), (0, 0), (511, 0), (512, 128), (2000, 500), (3584, 896), (10**8, 896)],
)
def test_lengths(available: int, length: int) -> None:
    assert preamble_bits(available) == length


@pytest.mark.parametrize("fields", [(2**24, 0, 0), (0, 2**28, 0), (0, 0, 256), (-1, 0, 0)])
def test_fields_out_of_range(fields: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Preamble(*fields)
