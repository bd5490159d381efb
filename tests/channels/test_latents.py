"""The latents channel's format never changes, and what is written is what is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentink.channels.latents import (
    PREAMBLE_SYMBOLS,
    LatentsPlan,
    LatentsWriter,
    decode_preamble,
    encode_preamble,
    from_residues,
    has_room_for_preamble,
    keyed_numbers,
    nearest_in_coset,
    payload_picks,
    preamble_picks,
    read_sealed,
    to_residues,
)
from latentink.payload.keys import Keys

KEYS = Keys(bytes(range(32)))
OTHER = Keys(bytes(32))
SCALES = np.geomspace(0.11, 256, 64)
SHAPE = (6, 10, 12)


def written(plan: LatentsPlan, sealed: bytes, passes: list[np.ndarray], rows: np.ndarray):
    values = np.random.default_rng(1).normal(scale=SCALES[rows])
    writer = LatentsWriter(plan, sealed, KEYS, rows.size, SCALES)
    symbols = np.zeros(rows.size, dtype=np.int64)
    for places in passes:
        symbols[places] = writer(places, values[places], rows[places])
    return writer, symbols, values


def test_places_and_preamble_never_change():
    """Files stay readable only as long as keys give these places and this coding."""
    places = np.arange(720)
    rows = (places * 7 % 40).astype(np.uint8)
    numbers = keyed_numbers(KEYS, 720)
    assert numbers[:3].tolist() == [3345607330, 1052245695, 2914499316]
    taken = preamble_picks(places, rows, numbers)
    picks = payload_picks(places, rows, numbers, 18, taken)
    assert taken[:4].tolist() == [27, 232, 644, 331]
    assert picks[:4].tolist() == [5, 697, 78, 26]
    assert len(picks) == 337
    coded = np.packbits(encode_preamble(LatentsPlan(1000, 18, 2), KEYS), bitorder="little")
    assert coded.tobytes().hex() == "bdc5440a70f4714c"


@given(st.binary(max_size=60), st.integers(1, 7))
def test_residues_give_the_bytes_back(sealed, bits):
    residues = to_residues(sealed, bits)
    assert ((residues >= 0) & (residues < 2**bits)).all()
    assert from_residues(residues, LatentsPlan(len(sealed), 0, bits)) == sealed


@given(st.integers(0, 2**24 - 1), st.integers(0, 63), st.integers(1, 7))
def test_a_preamble_comes_back_under_its_keys_only(sealed_bytes, threshold, bits):
    plan = LatentsPlan(sealed_bytes, threshold, bits)
    coded = encode_preamble(plan, KEYS)
    assert decode_preamble(coded, KEYS) == plan
    assert decode_preamble(coded, OTHER) is None
    coded[sealed_bytes % PREAMBLE_SYMBOLS] ^= 1
    assert decode_preamble(coded, KEYS) is None


@given(st.floats(-1000, 1000), st.floats(0.11, 256), st.integers(1, 4), st.integers(0, 15))
def test_the_best_point_of_a_coset_is_in_it_and_near(value, scale, bits, residue):
    modulus = 2**bits
    point = nearest_in_coset(
        np.array([value]), np.array([scale]), np.array([residue % modulus]), modulus
    )[0]
    assert point % modulus == residue % modulus
    assert abs(point - value) <= modulus
    if abs(point - value) > modulus / 2:  # Only ever towards the likelier symbol.
        assert abs(point) < abs(value) + modulus / 2


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("bits", [1, 2, 3])
def test_what_is_written_is_read(bits, count):
    rows = np.random.default_rng(0).integers(0, 40, np.prod(SHAPE)).astype(np.uint8)
    passes = np.array_split(np.arange(rows.size), count)
    sealed = bytes(range(20))
    plan = LatentsPlan(len(sealed), 18, bits)
    writer, symbols, values = written(plan, sealed, passes, rows)
    assert writer.left == 0
    y = symbols.reshape(SHAPE)
    assert read_sealed(y, rows.reshape(SHAPE), passes, KEYS) == sealed
    assert read_sealed(y, rows.reshape(SHAPE), passes, OTHER) is None
    moved = np.abs(symbols - values) > 0.5
    assert moved.sum() <= PREAMBLE_SYMBOLS + len(writer.residues)
    assert (rows[moved] >= 13).all()


def test_plain_symbols_hold_nothing():
    rows = np.full(np.prod(SHAPE), 30, dtype=np.uint8)
    y = np.random.default_rng(0).integers(-9, 9, SHAPE)
    assert read_sealed(y, rows.reshape(SHAPE), [np.arange(rows.size)], KEYS) is None


def test_a_flat_photo_has_no_room_for_the_preamble():
    rows = np.zeros(np.prod(SHAPE), dtype=np.uint8)
    assert not has_room_for_preamble(rows)
    assert has_room_for_preamble(rows + 13)
    assert read_sealed(np.zeros(SHAPE, int), rows.reshape(SHAPE), [np.arange(720)], KEYS) is None
