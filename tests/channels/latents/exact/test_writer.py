"""What is written is read, under the same keys alone, and nothing but free symbols moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_photos import SCALES, CoinPhoto, coin_photo, writer_of
from latentink.channels.latents.exact.fields import COUNT_BITS
from latentink.channels.latents.exact.receiver import read_exactly
from latentink.payload.keys import Keys
from latentink.payload.sealing import packed

KEYS = Keys(bytes(range(32)))
PHOTOS = {passes: coin_photo(40_000, passes) for passes in (1, 5)}


def read(photo: CoinPhoto, symbols: np.ndarray, keys: Keys = KEYS) -> bytes | None:
    y, rows = ([array[places] for places in photo.passes] for array in (symbols, photo.rows))
    return read_exactly(y, rows, keys, SCALES)


@given(st.binary(max_size=250), st.sampled_from(list(PHOTOS)), st.integers(0, 2**32))
def test_messages_come_back(message, passes, seed):
    photo = PHOTOS[passes]
    writer = writer_of(packed(message), KEYS, seed.to_bytes(32, "little"))
    symbols = photo.written(writer)
    assert writer.finished
    assert read(photo, symbols) == message
    assert read(photo, symbols, Keys(bytes(32))) is None


@pytest.mark.parametrize("passes", PHOTOS)
def test_only_free_symbols_move_and_only_to_their_other_side(passes):
    photo = PHOTOS[passes]
    symbols = photo.written(writer_of(packed(bytes(200)), KEYS, bytes(32)))
    free, below = photo.free, np.floor(photo.values)
    assert np.array_equal(symbols[~free], np.rint(photo.values[~free]))
    assert ((symbols == below) | (symbols == below + 1))[free].all()


@pytest.mark.parametrize("passes", PHOTOS)
def test_nearly_all_free_symbols_carry(passes):
    photo = PHOTOS[passes]
    writer = writer_of(bytes(5000), KEYS, bytes(32))
    photo.written(writer)
    assert not writer.finished
    assert not writer.failed
    assert writer.done > 0.9 * photo.free.sum()


def test_symbols_without_a_message_say_nothing():
    photo = PHOTOS[1]
    for number in range(20):
        assert read(photo, photo.plain(bytes([number]) * 32)) is None


def test_a_photo_without_free_symbols_carries_nothing():
    photo = PHOTOS[1]
    flat = CoinPhoto(np.zeros(40_000), photo.rows, photo.passes)
    writer = writer_of(packed(b""), KEYS, bytes(32))
    symbols = flat.written(writer)
    assert writer.failed
    assert not writer.finished
    assert not symbols.any()


def test_an_altered_symbol_breaks_the_message():
    photo = PHOTOS[1]
    symbols = photo.written(writer_of(packed(b"meet at noon"), KEYS, bytes(32)))
    assert read(photo, symbols) == b"meet at noon"
    changed = 0
    for place in np.flatnonzero(SCALES[photo.rows] > 1)[:200]:
        symbols[place] += 1
        changed += read(photo, symbols) is None
        symbols[place] -= 1
    assert changed > 0


def test_many_blocks_hold_what_their_mean_says():
    """What a block loses on average counts a thousand times here, and chance only thirty."""
    photo = coin_photo(1_500_000, seed=3)
    writer = writer_of(bytes(40_000), KEYS, bytes(32))
    photo.written(writer)
    free = int(photo.free.sum())
    salt, blocks = 80, writer.layout._blocks
    expected = free - salt - blocks * (COUNT_BITS + 1.6)
    assert blocks > 300
    assert abs(writer.done - expected) < 6 * 1.7 * np.sqrt(blocks) + 60
