"""The format of measured messages never changes, and what is written is what is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, norm

from latentink.channels.latents.measured.coding import (
    in_coset,
    with_syndrome,
)
from latentink.channels.latents.measured.places import (
    has_room_for_preamble,
    keyed_numbers,
    payload_picks,
    preamble_picks,
)
from latentink.channels.latents.measured.preamble import (
    PREAMBLE_SYMBOLS,
    LatentsPlan,
    decode_preamble,
    encode_preamble,
)
from latentink.channels.latents.measured.receiver import read_sealed
from latentink.channels.latents.measured.residues import from_residues, to_residues
from latentink.channels.latents.measured.syndrome_trellis import COLUMNS, extract
from latentink.channels.latents.measured.writer import LatentsWriter, keeping
from latentink.codecs.entropy_model import nearest
from latentink.payload.keys import Keys

KEYS = Keys(bytes(range(32)))
OTHER = Keys(bytes(32))
SCALES = np.geomspace(0.11, 256, 64)
SHAPE = (6, 10, 12)


def written(plan: LatentsPlan, sealed: bytes, passes: list[np.ndarray], rows: np.ndarray):
    values = np.random.default_rng(1).normal(scale=SCALES[rows])
    writer = LatentsWriter(plan, sealed, KEYS, rows.size, SCALES, nearest)
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
    assert coded.tobytes().hex() == "bdc5440ae2eab7ed"


@given(st.binary(max_size=60), st.integers(1, 7))
def test_residues_give_the_bytes_back(sealed, bits):
    residues = to_residues(sealed, bits)
    assert ((residues >= 0) & (residues < 2**bits)).all()
    assert from_residues(residues, LatentsPlan(len(sealed), 0, bits)) == sealed


CODINGS = st.one_of(
    st.tuples(st.integers(1, 7), st.just(1)), st.tuples(st.just(1), st.sampled_from(list(COLUMNS)))
)


@given(st.integers(0, 2**24 - 1), st.integers(0, 63), CODINGS)
def test_a_preamble_comes_back_under_its_keys_only(sealed_bytes, threshold, coding):
    plan = LatentsPlan(sealed_bytes, threshold, *coding)
    coded = encode_preamble(plan, KEYS)
    assert decode_preamble(coded, KEYS) == plan
    assert decode_preamble(coded, OTHER) is None
    coded[sealed_bytes % PREAMBLE_SYMBOLS] ^= 1
    assert decode_preamble(coded, KEYS) is None


@given(st.floats(-1000, 1000), st.floats(0.11, 256), st.integers(1, 4), st.integers(0, 15))
def test_the_point_of_a_coset_is_in_it_and_next_to_the_value(value, scale, bits, residue):
    modulus = 2**bits
    point = in_coset(np.array([value]), np.array([scale]), np.array([residue % modulus]), modulus)
    assert point[0] % modulus == residue % modulus
    assert abs(point[0] - value) <= modulus


@pytest.mark.parametrize(("scale", "bits"), [(1.2, 1), (3.0, 1), (2.4, 2), (5.0, 3)])
def test_cosets_keep_the_distribution_of_the_model(scale, bits):
    """Chi-square over the symbols; the nearest point of a coset fails it by far."""
    rng = np.random.default_rng(3)
    count, modulus = 200_000, 2**bits
    values, residues = rng.normal(scale=scale, size=count), rng.integers(0, modulus, count)
    chosen = in_coset(values, np.full(count, scale), residues, modulus)
    closest = residues + modulus * np.rint((values - residues) / modulus)
    assert p_value(chosen, scale) > 1e-3
    assert p_value(closest, scale) < 1e-6


@pytest.mark.parametrize("scale", [0.6, 1.0, 4.0])
@pytest.mark.parametrize("width", [2, 4])
def test_syndromes_keep_the_distribution_of_the_model(scale, width):
    rng = np.random.default_rng(4)
    bits = rng.integers(0, 2, 40_000, dtype=np.uint8)
    values = rng.normal(scale=scale, size=width * len(bits))
    scales = np.full(len(values), scale)
    chosen = with_syndrome(values, scales, bits, width)
    assert np.array_equal(extract((chosen % 2).astype(np.uint8), width), bits)
    changed = chosen != np.rint(values)
    assert changed.mean() < 0.5 / width  # A parity for each bit would change half of 1/w.
    assert p_value(chosen, scale) > 1e-3


def p_value(symbols: np.ndarray, scale: float) -> float:
    """Of Pearson's test that the symbols are Gaussian ones."""
    reach = int(2.5 * scale) + 1
    edges = np.arange(-reach, reach + 2) - 0.5
    shifted = np.clip(symbols, -reach - 1, reach + 1).astype(int) + reach + 1
    counts = np.bincount(shifted, minlength=2 * reach + 3)
    inner = np.diff(norm.cdf(edges / scale))
    tail = norm.cdf(edges[0] / scale)
    expected = len(symbols) * np.array([tail, *inner, tail])
    return chisquare(counts, expected).pvalue


def test_keeping_keeps_residues_and_moves_the_rest():
    y, moduli = np.array([[[5, -3, 2]]]), np.array([[[2, 4, 1]]])
    choose = keeping(y, moduli)
    assert choose(np.arange(3), np.array([4.1, 2.0, 7.4]), np.zeros(3)).tolist() == [5, 1, 7]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("bits", "width"), [(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)])
def test_what_is_written_is_read(bits, width, count):
    rows = np.random.default_rng(0).integers(0, 40, np.prod(SHAPE)).astype(np.uint8)
    passes = np.array_split(np.arange(rows.size), count)
    sealed = bytes(range(20 // width))
    plan = LatentsPlan(len(sealed), 14, bits, width)
    writer, symbols, values = written(plan, sealed, passes, rows)
    assert writer.left == 0
    y = symbols.reshape(SHAPE)
    assert read_sealed(y, rows.reshape(SHAPE), passes, KEYS) == sealed
    assert read_sealed(y, rows.reshape(SHAPE), passes, OTHER) is None
    moved = np.abs(symbols - values) > 0.5
    assert moved.sum() <= PREAMBLE_SYMBOLS + width * len(writer.residues)
    assert (writer.moduli[moved] > 1).all()
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
