"""Symbols to bytes and back: exact, near the entropy, and no byte too many or too few."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentink.codecs.gaussian_tables import gaussian_table
from latentink.codecs.rans import decoder, encoder
from latentink.codecs.rans.decoder import Decoder
from latentink.codecs.rans.encoder import Pass, encode
from latentink.codecs.rans.lanes import first_lanes, lanes_after
from latentink.codecs.rans.table import ESCAPE_LIMIT, TOTAL, CodingTable
from latentink.errors import ContainerError

SCALES = np.array([0.11, 0.2, 1.0, 20.0])
TABLE = gaussian_table(SCALES).coding()
# A row without quiet symbols and one with.
SMALL = CodingTable([[0, 30000, 60000, TOTAL], [0, 1, 65534, TOTAL]], [0, 5])


def drawn(count: int, seed: int = 0) -> Pass:
    """Symbols that the table's Gaussians draw; a few lie far outside of their row."""
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, len(SCALES), count).astype(np.uint8)
    symbols = np.rint(generator.normal(0, SCALES[rows])).astype(np.int32)
    symbols[::50] = generator.integers(-ESCAPE_LIMIT, ESCAPE_LIMIT + 1, len(symbols[::50]))
    return Pass(symbols, rows, TABLE)


def decoded(stream: bytes, passes: Sequence[Pass]) -> list[np.ndarray]:
    reader = Decoder(stream, sum(len(one.symbols) for one in passes))
    symbols = [reader.read(one.rows, one.table) for one in passes]
    reader.finish()
    return symbols


def assert_round_trip(passes: Sequence[Pass]) -> bytes:
    stream = encode(passes)
    for found, one in zip(decoded(stream, passes), passes, strict=True):
        np.testing.assert_array_equal(found, one.symbols)
    return stream


@pytest.mark.parametrize("counts", [[], [0], [1], [0, 1, 0], [63, 64, 65], [5, 20_000, 7, 30_000]])
def test_symbols_come_back_pass_by_pass(counts: list[int]) -> None:
    assert_round_trip([drawn(count, seed) for seed, count in enumerate(counts)])


symbols = st.integers(-3, 8) | st.integers(-ESCAPE_LIMIT, ESCAPE_LIMIT)
passes = st.lists(
    st.lists(st.tuples(symbols, st.integers(0, 1)), max_size=200).map(
        lambda pairs: Pass(
            np.array([pair[0] for pair in pairs], dtype=np.int32),
            np.array([pair[1] for pair in pairs], dtype=np.int32),
            SMALL,
        )
    ),
    max_size=4,
)


@given(passes)
def test_any_symbols_come_back(drawn_passes: list[Pass]) -> None:
    assert_round_trip(drawn_passes)


@given(passes, st.data())
def test_no_other_stream_gives_the_same_symbols(drawn_passes: list[Pass], data: st.DataObject):
    """So nothing can hide in a stream: what a reader accepts is what the encoder writes."""
    stream = bytearray(encode(drawn_passes))
    change = data.draw(st.sampled_from(["alter", "cut", "append"]))
    place = data.draw(st.integers(0, len(stream) - 1))
    if change == "alter":
        stream[place] ^= data.draw(st.integers(1, 255))
    elif change == "cut":
        del stream[place]
    else:
        stream.insert(place, data.draw(st.integers(0, 255)))
    try:
        found = decoded(bytes(stream), drawn_passes)
    except ContainerError:
        return
    again = [Pass(s, one.rows, one.table) for s, one in zip(found, drawn_passes, strict=True)]
    assert encode(again) == bytes(stream)


def pushed(cells: list[tuple[int, int]]) -> bytes:
    """The stream of cells (count, start) on a single lane, by the formula of docs/format.md."""
    state, tail = 2**24, b""
    for count, start in reversed(cells):
        while state >= count << 16:
            state, tail = state >> 8, bytes([state & 255]) + tail
        state = state // count * 2**16 + state % count + start
    return state.to_bytes(4, "little") + tail


def test_a_stream_is_the_documented_one() -> None:
    cells = [(30_000, 30_000), (30_000, 0), (5_536, 60_000), (1, TOTAL - 2000)]
    three = Pass(np.array([1, 0, -2000]), np.array([0, 0, 0]), SMALL)
    assert encode([three]) == pushed(cells)


def test_a_run_of_likeliest_symbols_has_one_code() -> None:
    """A flag that says that they follow, and then all of them, is refused."""
    rows = np.ones(64, dtype=np.int32)
    likeliest = Pass(np.full(64, 6, dtype=np.int32), rows, SMALL)
    follows, cell = (256, TOTAL - 256), (65_533, 1)
    assert encode([likeliest]) == pushed([(TOTAL - 256, 0)])
    with pytest.raises(ContainerError, match="damaged"):
        decoded(pushed([follows, *[cell] * 64]), [likeliest])
    first = Pass(np.array([5, *likeliest.symbols[1:]]), rows, SMALL)
    assert encode([first]) == pushed([follows, (1, 0), *[cell] * 63])
    assert_round_trip([first])


def test_the_stream_is_about_as_long_as_the_entropy() -> None:
    generator = np.random.default_rng(0)
    count = 300_000
    many = Pass(
        np.rint(generator.normal(0, 20, count)).astype(np.int32),
        np.full(count, 3, dtype=np.uint8),
        TABLE,
    )
    bits = count * np.log2(20 * np.sqrt(2 * np.pi * np.e))
    assert 8 * len(encode([many])) == pytest.approx(bits, rel=0.005)


def test_quiet_symbols_cost_almost_nothing() -> None:
    quiet = Pass(np.zeros(65_000, dtype=np.int32), np.zeros(65_000, dtype=np.uint8), TABLE)
    assert len(encode([quiet])) < 16


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_a_stream_shorter_than_its_states_is_refused_before_memory_is_taken(cut: int) -> None:
    symbols = 10**9
    stream = bytes(4 * first_lanes(symbols) - 1 - cut)
    tracemalloc.start()
    with pytest.raises(ContainerError, match="damaged"):
        Decoder(stream, symbols)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_symbols_that_an_escape_cannot_hold_are_refused() -> None:
    for symbol in (ESCAPE_LIMIT + 1, -ESCAPE_LIMIT - 1):
        with pytest.raises(ValueError, match="beyond"):
            encode([Pass(np.array([symbol]), np.array([0]), SMALL)])


def test_a_reader_that_stops_early_or_goes_on_is_an_error() -> None:
    one = drawn(10)
    decoder = Decoder(encode([one]), 10)
    with pytest.raises(ValueError, match="not read"):
        decoder.finish()
    decoder.read(one.rows, TABLE)
    with pytest.raises(ValueError, match="more symbols"):
        decoder.read(one.rows, TABLE)


def test_lanes_follow_the_documented_rule() -> None:
    """docs/format.md."""
    assert [first_lanes(n) for n in (0, 65_535, 65_536, 10_000_000)] == [1, 1, 2, 153]
    lane = 2**15 * 8 * 1536
    assert [lanes_after(1, cost) for cost in (0, lane - 1, lane, 5 * lane)] == [1, 1, 2, 6]
    assert lanes_after(9, lane) == 9


@pytest.mark.parametrize(
    "row",
    [
        [0, TOTAL],
        [0, 5, 5, TOTAL],
        [0, 9, 5, TOTAL],
        [1, 5, TOTAL],
        [0, 5, TOTAL - 1],
        [0, -5, TOTAL],
    ],
)
def test_tables_that_are_none_are_refused(row: list[int]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        CodingTable([row], [0])
    with pytest.raises(ValueError, match="reaches"):
        CodingTable([[0, 5, TOTAL]], [ESCAPE_LIMIT + 1])


@pytest.mark.parametrize("symbols", [1, 100, 5000, 3 * 2**16])
def test_few_lanes_are_coded_alike_one_by_one_and_together(
    symbols: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = drawn(symbols)
    stream = encode([one])
    for module in (encoder, decoder):
        monkeypatch.setattr(module, "FEW_LANES", 0)
    assert encode([one]) == stream
    np.testing.assert_array_equal(decoded(stream, [one])[0], one.symbols)
