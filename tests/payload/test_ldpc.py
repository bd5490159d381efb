import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentink.payload import ldpc


def random_bits(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, count).astype(np.uint8)


def hard(bits: np.ndarray) -> np.ndarray:
    return 2.0 * bits - 1


@settings(deadline=None, max_examples=60)
@given(k=st.integers(1, 700), extra=st.integers(1, 3000), seed=st.integers(0, 99))
def test_any_size_round_trips_without_noise(k: int, extra: int, seed: int) -> None:
    n = k + extra
    bits = random_bits(k, seed)
    code = ldpc.encode(bits, n)
    assert code.shape == (n,)
    assert code.dtype == np.uint8
    assert set(np.unique(code)) <= {0, 1}
    np.testing.assert_array_equal(ldpc.decode(hard(code), k), bits)


@pytest.mark.parametrize(("k", "n"), [(1, 2), (1, 100000), (950, 1000), (40000, 100003)])
def test_extreme_sizes(k: int, n: int) -> None:
    bits = random_bits(k)
    np.testing.assert_array_equal(ldpc.decode(hard(ldpc.encode(bits, n)), k), bits)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (11, 10), (65536, 65537)])
def test_sizes_that_are_no_code(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="code"):
        ldpc.encode(random_bits(k), n)


@pytest.mark.parametrize(
    ("k", "n", "digest"),
    [
        (100, 300, "c0e2905280a534f7"),
        (80, 896, "d5bf5ff39340b13d"),
        (5000, 9000, "a8bc0374ba3d6b61"),
        (20000, 70001, "69657dc4228e548c"),
    ],
)
def test_the_code_never_changes(k: int, n: int, digest: str) -> None:
    bits = (np.arange(k) ** 2 % 7 % 2).astype(np.uint8)
    packed = np.packbits(ldpc.encode(bits, n), bitorder="little")
    assert hashlib.sha256(packed.tobytes()).hexdigest()[:16] == digest


def test_codewords_satisfy_all_checks() -> None:
    graph = ldpc.build_graph(400, 1000)
    code = ldpc.encode_block(random_bits(400), graph)
    sums = np.bincount(graph.check, weights=code[graph.variable], minlength=600).astype(int)
    parity = code[400:].astype(int)
    sums += parity
    sums[1:] += parity[:-1]
    assert not (sums % 2).any()


@pytest.mark.parametrize(("k", "n"), [(80, 480), (1000, 4000), (7000, 14000)])
def test_graphs_have_no_short_cycles_between_light_bits(k: int, n: int) -> None:
    graph = ldpc.build_graph(k, n)
    degree = ldpc.degrees(k, n)
    np.testing.assert_array_equal(np.bincount(graph.variable, minlength=k), degree)
    assert not ldpc._crowded_edges(graph.variable, graph.check, degree, n - k).size
    assert not ldpc._cycle_edges(graph.variable, graph.check, degree, n - k).size


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_scale_of_soft_values_does_not_matter(scale: float) -> None:
    bits = random_bits(1000)
    code = ldpc.encode(bits, 2000)
    noise = np.random.default_rng(1).normal(0, 0.7, 2000)
    np.testing.assert_array_equal(ldpc.decode(scale * (hard(code) + noise), 1000), bits)


def test_soft_values_carry_more_than_their_signs() -> None:
    bits = random_bits(2000)
    soft = hard(ldpc.encode(bits, 4000)) + np.random.default_rng(1).normal(0, 0.87, 4000)
    assert ldpc.decode(np.sign(soft), 2000) is None
    np.testing.assert_array_equal(ldpc.decode(soft, 2000), bits)


def test_calibration_finds_the_scale_of_a_known_channel() -> None:
    # A ±1 input of a binary symmetric channel with 11 % errors carries half a bit each.
    llr = ldpc.calibrate(np.where(random_bits(1000) == 1, 3.0, -3.0), 0.5)
    np.testing.assert_allclose(np.abs(llr), np.log(0.89 / 0.11), rtol=2e-3)


def test_unknown_values_and_infinities() -> None:
    bits = random_bits(500)
    soft = hard(ldpc.encode(bits, 1500))
    soft[::5] = 0
    soft[1::9] = np.nan
    soft[2::9] = np.copysign(np.inf, hard(ldpc.encode(bits, 1500))[2::9])
    np.testing.assert_array_equal(ldpc.decode(soft, 500), bits)


def test_local_damage_is_spread_over_all_codewords() -> None:
    bits = random_bits(30000)
    soft = hard(ldpc.encode(bits, 70000))
    soft[20000:34000] = 0
    np.testing.assert_array_equal(ldpc.decode(soft, 30000), bits)


@pytest.mark.parametrize("soft", [np.zeros(1000), np.random.default_rng(3).normal(size=1000)])
def test_nothing_is_found_in_nothing(soft: np.ndarray) -> None:
    assert ldpc.decode(soft, 400) is None


def test_decoding_is_deterministic() -> None:
    soft = hard(ldpc.encode(random_bits(600), 1200)) + np.random.default_rng(2).normal(0, 0.8, 1200)
    first, second = ldpc.decode(soft, 600), ldpc.decode(soft, 600)
    assert first is not None
    np.testing.assert_array_equal(first, second)


def test_every_block_gets_its_share_of_repetitions():
    """At low rates a message of several blocks came back only where luck helped its last one."""
    n, k = 130_000, 13_000
    bits = np.random.default_rng(5).integers(0, 2, k, dtype=np.uint8)
    wrong = np.random.default_rng(6).random(n) < 0.25
    soft = (2.0 * ldpc.encode(bits, n) - 1) * np.where(wrong, -1, 1)
    assert ldpc.layout(k, n).blocks > 1
    assert ldpc.layout(k, n).code_bits < n
    decoded = ldpc.decode(soft, k)
    assert decoded is not None
    assert np.array_equal(decoded, bits)
