from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentink.errors import CapacityError, MessageNotFoundError
from latentink.methods.messages import message_bits, message_from
from latentink.payload.keys import derive_keys
from latentink.payload.sealing import message_salt, seal

KEYS = derive_keys("tide")


def _sealed(message: bytes) -> bytes:
    return seal(message, KEYS, message_salt(KEYS, b"0", message, b"cover"))


@settings(max_examples=10, deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from([(1, 64, 64), (2, 48, 80), (5000,)]),
    st.integers(0, 99),
)
def test_a_message_survives_a_tenth_of_wrong_bits(
    message: bytes, shape: tuple[int, ...], seed: int
) -> None:
    bits = message_bits(_sealed(message), shape, KEYS)
    assert bits.shape == shape
    wrong = np.random.default_rng(seed).random(shape) < 0.1
    soft = np.where(wrong, -1.0, 1.0) * (2.0 * bits - 1)
    assert message_from(soft, KEYS) == message


def test_other_keys_and_noise_find_nothing() -> None:
    bits = message_bits(_sealed(b"meet at noon"), (1, 64, 64), KEYS)
    with pytest.raises(MessageNotFoundError):
        message_from(2.0 * bits - 1, derive_keys("ebb"))
    with pytest.raises(MessageNotFoundError):
        message_from(np.random.default_rng(0).normal(size=(1, 64, 64)), KEYS)


def test_raw_bits_are_as_often_one_as_zero() -> None:
    bits = message_bits(_sealed(b"a" * 40), (1, 128, 128), KEYS)
    assert abs(bits.mean() - 0.5) < 0.02


@pytest.mark.parametrize(("length", "shape"), [(4, (100,)), (2000, (1, 64, 64))])
def test_too_few_places_are_an_error(length: int, shape: tuple[int, ...]) -> None:
    message = np.random.default_rng(0).bytes(length)
    with pytest.raises(CapacityError):
        message_bits(_sealed(message), shape, KEYS)
