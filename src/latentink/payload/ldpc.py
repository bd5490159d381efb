"""A systematic LDPC code for any number of information bits and code bits, and its decoder.

The code is an irregular repeat-accumulate code (Jin, Khandekar, McEliece, "Irregular
repeat-accumulate codes", 2000): every information bit takes part in 3, 8 or 24 parity checks (4
instead of 3 in short codes and below rate 1/3), every check holds an equal share of the information
bits, and check c ties parity bit c to parity bit c − 1. Encoding is therefore one sparse sum and
one running XOR, for any k and n. Which bit joins which check is drawn from a public keystream;
swaps then remove short cycles between bits of low degree, which hurt a message-passing decoder. The
shares of the degrees were fitted with density evolution (Gaussian approximation) on binary
symmetric channels and confirmed by simulation.

Below rate 1/6 the codeword of rate 1/6 is repeated; above 32,768 code bits there are several
codewords of equal length. One permutation of all raw bits spreads local damage over all codewords.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from math import isqrt

import numpy as np

from latentink.payload.keystream import Keystream

CODE_KEY = sha256(b"latentink/1/code").digest()
"""Public key from which the code is drawn: the code is no secret."""

MAX_BLOCK_BITS = 32768
"""Code bits of one codeword at most."""
LOWEST_RATE_INVERSE = 6
"""Below rate 1/6 the codeword is repeated."""
SHORT_CODE_BITS = 2048
"""Codes with fewer code bits have 4 checks at the bits of lowest degree instead of 3."""
LIGHT_DEGREE = 8
HEAVY_DEGREE = 24

MAX_ITERATIONS = 200
"""Rounds of message passing at most."""
CALIBRATION_MARGIN = 0.2
"""Soft values are scaled to the information rate + this · rate · (1 − rate)."""
SWAP_ROUNDS = 12
"""Rounds of swaps at most when a graph is built."""
CYCLE_ROUNDS = 8
"""The first rounds, which repair cycles and spacing; later ones repair the spacing alone."""
WIDEST_SPACING = 16
"""The largest distance kept between the checks of one bit."""

_MAX_MESSAGE = np.float32(18.0)
_SMALLEST_MAGNITUDE = np.float32(1e-5)


@dataclass(frozen=True)
class Graph:
    """One code's Tanner graph, without the staircase of parity bits, which is implied.

    Attributes:
        info_bits: k, the number of information bits (variables 0 … k − 1).
        checks: m = n − k, the number of checks and of parity bits.
        variable: (E,) int64, the information bit of each edge.
        check: (E,) int64, the check of each edge, non-decreasing.
    """

    info_bits: int
    checks: int
    variable: np.ndarray
    check: np.ndarray


@dataclass(frozen=True)
class Layout:
    """How k information bits are split into codewords of equal length.

    Attributes:
        blocks: number of codewords.
        block_info: information bits of a codeword; the last one is padded with zeros.
        block_code: code bits of a codeword.
    """

    blocks: int
    block_info: int
    block_code: int

    @property
    def code_bits(self) -> int:
        """All code bits before repetition."""
        return self.blocks * self.block_code


def layout(k: int, n: int) -> Layout:
    """Return the codewords for ``k`` information bits in ``n`` raw bits.

    Raises:
        ValueError: ``k`` < 1, ``k`` ≥ ``n``, or no parity bit is left in a codeword (this cannot
            happen at ``k`` ≤ 0.95 ``n``).
    """
    if not 1 <= k < n:
        raise ValueError(f"a code needs 1 <= k < n, not k = {k} and n = {n}")
    code_bits = min(n, LOWEST_RATE_INVERSE * k)
    blocks = -(-code_bits // MAX_BLOCK_BITS)
    result = Layout(blocks, -(-k // blocks), code_bits // blocks)
    if result.block_info >= result.block_code:
        raise ValueError(f"the code rate {k}/{n} is too close to 1")
    return result


# --- construction -------------------------------------------------------------------------------


def degrees(k: int, n: int) -> np.ndarray:
    """Return the number of checks of each information bit, (k,) int64, heaviest last."""
    m = n - k
    # Three checks give the better threshold, four the larger distance, which short codes and noisy
    # channels (hence low rates) need.
    least = 3 if n >= SHORT_CODE_BITS and 3 * k >= n else 4
    light = k // 4
    heavy = (25 * n - 18 * k) * k // (100 * n)
    degree = np.repeat([least, LIGHT_DEGREE, HEAVY_DEGREE], [k - light - heavy, light, heavy])
    # More than √m checks of one bit could not be kept apart.
    return np.minimum(degree, max(isqrt(m), min(least, m))).astype(np.int64)


def build_graph(k: int, n: int) -> Graph:
    """Return the graph of the code with ``k`` information and ``n`` code bits; always the same.

    Raises:
        ValueError: not 1 ≤ ``k`` < ``n``.
    """
    if not 1 <= k < n:
        raise ValueError(f"a code needs 1 <= k < n, not k = {k} and n = {n}")
    m = n - k
    degree = degrees(k, n)
    edges = int(degree.sum())
    stream = Keystream(CODE_KEY, f"ldpc/graph/{k}/{n}")
    check = np.arange(edges, dtype=np.int64) * m // edges
    variable = np.repeat(np.arange(k, dtype=np.int64), degree)[stream.permutation(edges)]
    for swap_round in range(SWAP_ROUNDS):
        bad = _crowded_edges(variable, check, degree, m)
        if swap_round < CYCLE_ROUNDS:
            bad = np.union1d(bad, _cycle_edges(variable, check, degree, m))
        if not bad.size:
            break
        partners = (stream.integers(bad.size) % np.uint64(edges)).astype(np.int64)
        swapped = np.union1d(bad, partners)
        variable[swapped] = variable[swapped][stream.permutation(swapped.size)]
    return Graph(k, m, variable, check)


def _crowded_edges(
    variable: np.ndarray, check: np.ndarray, degree: np.ndarray, m: int
) -> np.ndarray:
    """Return the edges whose check lies too close to another check of the same bit.

    Neighbouring checks share a parity bit, so two of them at one bit close a 4-cycle, and nearby
    ones close a short cycle along the staircase.
    """
    order = np.lexsort((check, variable))
    bit, at = variable[order], check[order]
    own = degree[bit]
    spacing = np.where(
        own == HEAVY_DEGREE, 0, np.clip(m // (2 * own * own), min(1, m // 8), WIDEST_SPACING)
    )
    close = (bit[1:] == bit[:-1]) & (at[1:] - at[:-1] <= spacing[1:])
    return order[1:][close]


def _cycle_edges(variable: np.ndarray, check: np.ndarray, degree: np.ndarray, m: int) -> np.ndarray:
    """Return one edge of each 4-cycle, that is, of two bits that share two checks.

    Bits of degree 24 are left out: they have many other checks that make up for a cycle.
    """
    order = np.lexsort((check, variable))
    order = order[degree[variable[order]] < HEAVY_DEGREE]
    bit, at = variable[order], check[order]
    pairs, last = [], []
    for step in range(1, min(LIGHT_DEGREE, order.size)):
        first = np.flatnonzero(bit[step:] == bit[:-step])
        pairs.append(at[first] * m + at[first + step])
        last.append(order[first + step])
    if not pairs:
        return np.zeros(0, dtype=np.int64)
    pair = np.concatenate(pairs)
    by_pair = np.argsort(pair, kind="stable")
    repeated = pair[by_pair][1:] == pair[by_pair][:-1]
    return np.unique(np.concatenate(last)[by_pair][1:][repeated])


# --- encoding -----------------------------------------------------------------------------------


def encode_block(info: np.ndarray, graph: Graph) -> np.ndarray:
    """Return the codeword of ``info`` ((k,) of 0 and 1): the information, then the parity bits."""
    sums = np.bincount(graph.check, weights=info[graph.variable], minlength=graph.checks)
    parity = np.bitwise_xor.accumulate(sums.astype(np.int64) & 1)
    return np.concatenate([info, parity]).astype(np.uint8)


def _interleaver(n: int) -> np.ndarray:
    return Keystream(CODE_KEY, f"ldpc/interleaver/{n}").permutation(n)


def encode(bits: np.ndarray, n: int) -> np.ndarray:
    """Return the ``n`` raw bits, uint8 of 0 and 1, that carry ``bits`` ((k,) of 0 and 1).

    Raises:
        ValueError: there is no code for ``k`` and ``n`` (see :func:`layout`).

    Example:
        >>> bits = np.array([1, 0, 1, 1, 0, 0, 1, 0], dtype=np.uint8)
        >>> raw = encode(bits, 64)
        >>> raw[:8] ^= 1  # an eighth of the raw bits arrive wrong
        >>> decode(2.0 * raw - 1, len(bits))
        array([1, 0, 1, 1, 0, 0, 1, 0], dtype=uint8)
    """
    k = len(bits)
    plan = layout(k, n)
    info = np.zeros(plan.blocks * plan.block_info, dtype=np.uint8)
    info[:k] = bits
    graph = build_graph(plan.block_info, plan.block_code)
    rows = info.reshape(plan.blocks, plan.block_info)
    # The codewords are interleaved, so that repetition gives each of them the same share.
    code = np.stack([encode_block(row, graph) for row in rows], axis=1)
    raw = np.empty(n, dtype=np.uint8)
    raw[_interleaver(n)] = np.resize(code, n)
    return raw


# --- decoding -----------------------------------------------------------------------------------


def _information(llr: np.ndarray) -> float:
    """Return the mean information, in bits, of signs with log-likelihood ratios ``llr`` ≥ 0."""
    tail = np.exp(-llr)
    entropy = np.log1p(tail) + llr * tail / (1 + tail)
    return float(1 - entropy.mean() / np.log(2))


def calibrate(soft: np.ndarray, information: float) -> np.ndarray:
    """Return ``soft`` scaled to log-likelihood ratios that carry ``information`` bits each.

    The receiver knows which soft values are more certain than others, but not their scale. The
    scale s solves mean(1 − h2(sigmoid(s·|soft|))) = ``information``, which :func:`decode` sets
    slightly above the code rate: the worst channel on which the code can work. On a better channel
    the decoder then trusts its input less than it could. NaN counts as unknown (0); very large
    values are clipped to 1000 times the median magnitude.

    Args:
        soft: (n,) float of any positive scale.
        information: bits, above 0 and below 1.
    """
    values = np.nan_to_num(np.asarray(soft, dtype=np.float64), nan=0.0)
    typical = np.median(np.abs(values[values != 0])) if values.any() else 1.0
    values = np.clip(values / typical, -1e3, 1e3)
    sample = np.abs(values[:: -(-values.size // 65536)])
    low, high = -12.0, 12.0
    for _ in range(40):
        middle = (low + high) / 2
        if _information(2.0**middle * sample) < information:
            low = middle
        else:
            high = middle
    return values * 2.0**low


def _phi(magnitude: np.ndarray) -> np.ndarray:
    """Return −log(tanh(x / 2)), its own inverse, for float32 ``magnitude`` ≥ 0."""
    tail = np.exp(-np.maximum(magnitude, _SMALLEST_MAGNITUDE))
    return np.log((1 + tail) / (1 - tail))


def decode_block(llr: np.ndarray, graph: Graph) -> np.ndarray | None:
    """Return the information bits behind ``llr``, or None if no codeword is found.

    Sum-product decoding with a flooding schedule, at most ``MAX_ITERATIONS`` rounds, float32.

    Args:
        llr: (n,) float, log-likelihood ratios; positive is bit 1.
        graph: the code's graph.

    Returns:
        (k,) uint8 of 0 and 1, or None.
    """
    k, m = graph.info_bits, graph.checks
    share = np.bincount(graph.check, minlength=m)
    slot = np.arange(graph.check.size) - (np.cumsum(share) - share)[graph.check]
    width = int(share.max())
    # Variable k is a bit known to be 0; it pads the checks that hold fewer bits than others.
    member = np.full((width, m), k, dtype=np.int64)
    member[slot, graph.check] = graph.variable

    info_in = np.append(-llr[:k], 4 * _MAX_MESSAGE).astype(np.float32)
    parity_in = -llr[k:].astype(np.float32)
    info, parity = info_in, parity_in
    # The rows are the check's information bits, its own parity bit, and the parity bit before.
    to_bits = np.zeros((width + 2, m), dtype=np.float32)
    to_checks = np.empty_like(to_bits)
    for _ in range(MAX_ITERATIONS):
        to_checks[:width] = info[member]
        to_checks[width] = parity
        to_checks[width + 1, 0] = _MAX_MESSAGE
        to_checks[width + 1, 1:] = parity[:-1]
        to_checks -= to_bits
        np.clip(to_checks, -_MAX_MESSAGE, _MAX_MESSAGE, out=to_checks)
        doubt = _phi(np.abs(to_checks))
        negative = to_checks < 0
        flip = np.logical_xor.reduce(negative, axis=0) ^ negative
        to_bits = _phi(doubt.sum(axis=0) - doubt)
        np.negative(to_bits, out=to_bits, where=flip)
        to_bits[width + 1, 0] = 0  # there is no parity bit before the first

        sums = np.bincount(member.ravel(), weights=to_bits[:width].ravel(), minlength=k + 1)
        info = info_in + sums.astype(np.float32)
        info[k] = info_in[k]
        parity = parity_in + to_bits[width]
        parity[:-1] += to_bits[width + 1, 1:]

        ones = info < 0
        parity_ones = parity < 0
        unsatisfied = np.logical_xor.reduce(ones[member], axis=0) ^ parity_ones
        unsatisfied[1:] ^= parity_ones[:-1]
        if not unsatisfied.any() and info.all():
            return ones[:k].astype(np.uint8)
    return None


def decode(soft: np.ndarray, k: int) -> np.ndarray | None:
    """Return the ``k`` bits that :func:`encode` put into the raw bits behind ``soft``.

    Args:
        soft: (n,) float of any positive scale; positive is bit 1, 0 is unknown.
        k: number of information bits.

    Returns:
        (k,) uint8 of 0 and 1; None if the parity checks stay unsatisfied.

    Raises:
        ValueError: there is no code for ``k`` and ``n`` (see :func:`layout`).
    """
    n = len(soft)
    plan = layout(k, n)
    rate = k / n
    llr = calibrate(soft, rate + CALIBRATION_MARGIN * rate * (1 - rate))[_interleaver(n)]
    position = np.arange(n) % plan.code_bits
    code = np.bincount(position, weights=llr, minlength=plan.code_bits)
    graph = build_graph(plan.block_info, plan.block_code)
    info = []
    for row in code.reshape(plan.block_code, plan.blocks).T:
        block = decode_block(np.ascontiguousarray(row), graph)
        if block is None:
            return None
        info.append(block)
    return np.concatenate(info)[:k]
