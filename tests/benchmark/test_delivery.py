"""The message length found on random bits is that which really embedding messages gives."""

from __future__ import annotations

import numpy as np
import pytest

from latentink.benchmark.delivery import (
    delivered_bits,
    longest_share,
    message_length,
    mirrored,
    mutual_information,
)
from latentink.errors import CapacityError
from latentink.methods.embedding import embed_message
from latentink.methods.method import Method, random_bits
from latentink.methods.registry import load_method
from latentink.metrics.raw_bits import shannon_bpp
from latentink.payload.keys import derive_keys
from photos import astronaut

KEYS = derive_keys(None)


def embeds(method: Method, cover: np.ndarray, length: int) -> bool:
    """Say whether a message of ``length`` bytes comes back from a stego made for it."""
    message = np.random.default_rng(7).bytes(length)
    try:
        embed_message(method, cover, message, KEYS, seed=3)
    except CapacityError:
        return False
    return True


def symmetric_channel(size: int, wrong: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, size, dtype=np.uint8)
    read = bits ^ (rng.random(size) < wrong)
    return (2.0 * read - 1).astype(np.float32), bits


@pytest.mark.parametrize(("name", "side"), [("lsb-matching", 48), ("steganogan-dense", 96)])
def test_agrees_with_embedding_messages(name: str, side: int) -> None:
    cover, method = astronaut(40, 180, side, side), load_method(name)
    bits = random_bits(method.bits_shape(cover), 1)
    soft = method.extract(method.load(method.embed(cover, bits, 1).data))
    margins = mirrored(soft, bits, np.ones_like(bits))
    bound = mutual_information(margins)

    delivered = delivered_bits(soft, bits)

    really = longest_share(
        lambda share: embeds(method, cover, message_length(share * bound, bits.size))
    )
    # The bits of a message meet other pixels than the random ones did: a step of the search.
    expected = 8 * message_length(really * bound, bits.size)
    assert delivered == pytest.approx(expected, rel=0.1)


def test_perfect_channel_delivers_the_highest_rate() -> None:
    soft, bits = symmetric_channel(8000, 0.0, 1)

    # 95 % of what the preamble (896 bits) leaves, less 33 bytes of sealing.
    assert delivered_bits(soft, bits) == 8 * (int(0.95 * (8000 - 896)) // 8 - 33)


def test_noisy_channel_delivers_less_than_shannon_and_most_of_it() -> None:
    soft, bits = symmetric_channel(20000, 0.05, 2)
    bound = shannon_bpp(0.95, 20000)

    assert 0.7 * bound < delivered_bits(soft, bits) < bound


def test_nothing_comes_through_noise_or_too_few_places() -> None:
    assert delivered_bits(*symmetric_channel(4000, 0.5, 3)) == 0
    assert delivered_bits(*symmetric_channel(300, 0.0, 4)) == 0
    assert delivered_bits(np.zeros(4000, np.float32), np.zeros(4000, np.uint8)) == 0


def test_information_of_hard_decisions_is_that_of_the_symmetric_channel() -> None:
    soft, bits = symmetric_channel(200_000, 0.11, 5)
    margins = mirrored(soft, bits, np.ones_like(bits))

    assert mutual_information(margins) == pytest.approx(0.5, abs=0.01)
    assert mutual_information(1000 * margins) == pytest.approx(mutual_information(margins))


def test_information_of_soft_values_beats_that_of_their_signs() -> None:
    # Gaussian noise of deviation 1 on ±1: 0.486 bits (table of the binary-input AWGN channel at
    # 0 dB), of which hard decisions keep 0.369.
    margins = 1 + np.random.default_rng(6).standard_normal(200_000)

    assert mutual_information(margins) == pytest.approx(0.486, abs=0.01)
    assert mutual_information(np.sign(margins)) == pytest.approx(0.369, abs=0.01)


def test_mirroring_keeps_errors_in_place() -> None:
    soft = np.array([0.5, -2.0, 3.0, -1.0])
    bits, word = np.array([1, 1, 0, 0]), np.array([0, 1, 1, 0])

    assert mirrored(soft, bits, word).tolist() == [-0.5, -2.0, -3.0, -1.0]


def test_low_rates_deliver_something() -> None:
    # A bit in four is wrong: 0.19 bits a raw bit.
    soft, bits = symmetric_channel(20_000, 0.25, 2)

    assert 0.3 * shannon_bpp(0.75, 20_000) < delivered_bits(soft, bits)


@pytest.mark.parametrize("limit", [0.97, 0.9, 0.75, 0.7, 0.5, 0.3, 0.1])
def test_search_comes_close_in_six_trials(limit: float) -> None:
    tried: list[float] = []

    def comes_back(share: float) -> bool:
        tried.append(share)
        return share <= limit

    found = longest_share(comes_back)

    assert len(tried) <= 6
    assert found <= limit
    assert found >= (0.88 * limit if limit > 0.45 else 0.25 if limit > 0.25 else 0)


def test_a_message_fills_what_preamble_and_sealing_leave() -> None:
    assert message_length(0.48, 50_000) == int(0.48 * (50_000 - 896)) // 8 - 33
    assert message_length(1.0, 50_000) == message_length(0.95, 50_000)
    assert message_length(0.005, 50_000) == 0
    assert message_length(1.0, 300) == 0
