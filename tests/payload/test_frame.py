import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentink.errors import CapacityError
from latentink.payload.frame import (
    frame_bits,
    max_message_bytes,
    max_sealed_bytes,
    rate_for_accuracy,
    raw_bits_needed,
    read_frame,
)
from latentink.payload.keys import Keys
from latentink.payload.sealing import SEALED_OVERHEAD, seal, unseal

KEYS = Keys(hashlib.sha256(b"test").digest())


@settings(deadline=None, max_examples=40)
@given(
    message=st.binary(max_size=600),
    spare=st.integers(0, 4000),
    master=st.binary(min_size=32, max_size=32),
)
def test_round_trip(message: bytes, spare: int, master: bytes) -> None:
    keys = Keys(master)
    sealed = seal(message, keys, bytes(16))
    raw_bits = int(8 * len(sealed) / 0.94) + 1 + spare
    bits = frame_bits(sealed, raw_bits, keys)
    assert bits.shape == (raw_bits,)
    assert bits.dtype == np.uint8
    read = read_frame(2.0 * bits - 1, len(sealed), keys)
    assert read == sealed
    assert unseal(read, keys) == message


def test_format_is_pinned() -> None:
    packed = np.packbits(frame_bits(bytes(range(100)), 2000, KEYS), bitorder="little")
    assert hashlib.sha256(packed.tobytes()).hexdigest()[:16] == "7ba51b3e0bdb8002"


@pytest.mark.parametrize("accuracy", [0.98, 0.92, 0.85, 0.80])
def test_planned_rates_survive_half_a_percent_more_errors(accuracy: float) -> None:
    rng = np.random.default_rng(5)
    raw_bits = 8000
    sealed = rng.bytes(max_sealed_bytes(raw_bits, accuracy))
    bits = frame_bits(sealed, raw_bits, KEYS)
    for _ in range(5):
        wrong = rng.random(raw_bits) < 1 - accuracy + 0.005
        assert read_frame(2.0 * (bits ^ wrong) - 1, len(sealed), KEYS) == sealed


def test_too_many_errors_and_wrong_keys_give_none() -> None:
    rng = np.random.default_rng(6)
    bits = frame_bits(rng.bytes(200), 3000, KEYS)
    assert read_frame(2.0 * (bits ^ (rng.random(3000) < 0.2)) - 1, 200, KEYS) is None
    assert read_frame(2.0 * bits - 1, 200, Keys(bytes(32))) is None


@pytest.mark.parametrize("sealed_bytes", [0, 375, 2**24 - 1])
def test_lengths_that_are_no_code_give_none(sealed_bytes: int) -> None:
    assert read_frame(np.ones(3000), sealed_bytes, KEYS) is None


def test_raw_bits_look_random() -> None:
    bits = frame_bits(bytes(500), 20000, KEYS)
    assert abs(bits.mean() - 0.5) < 0.02
    assert abs((bits[1:] ^ bits[:-1]).mean() - 0.5) < 0.02


def test_too_long_a_message() -> None:
    with pytest.raises(CapacityError, match="204 bytes at most"):
        frame_bits(bytes(300), 2000, KEYS)


def test_rates_rise_with_accuracy_and_length() -> None:
    accuracies = np.linspace(0.4, 1, 61)
    rates = [rate_for_accuracy(float(accuracy), 10000) for accuracy in accuracies]
    assert rates == sorted(rates)
    assert rates[0] == 0
    assert 0.8 < rates[-1] <= 0.95
    lengths = [rate_for_accuracy(0.9, length) for length in (0, 1, 100, 1000, 10000, 10**6)]
    assert lengths == sorted(lengths)


@given(
    raw_bits=st.integers(0, 10**6), accuracy=st.floats(0.7, 1), sealed_bytes=st.integers(33, 10**5)
)
def test_plans_agree(raw_bits: int, accuracy: float, sealed_bytes: int) -> None:
    fitting = max_sealed_bytes(raw_bits, accuracy)
    assert fitting == 0 or fitting >= SEALED_OVERHEAD
    assert max_message_bytes(raw_bits, accuracy) == max(0, fitting - SEALED_OVERHEAD)
    assert 8 * fitting <= 0.95 * raw_bits
    needed = raw_bits_needed(sealed_bytes, accuracy)
    assert max_sealed_bytes(needed, accuracy) >= sealed_bytes
    assert max_sealed_bytes(needed - 1, accuracy) < sealed_bytes


def test_a_channel_of_pure_noise_carries_nothing() -> None:
    assert max_message_bytes(10**6, 0.5) == 0
    with pytest.raises(CapacityError):
        raw_bits_needed(33, 0.5)
