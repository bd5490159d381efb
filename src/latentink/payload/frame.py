"""Sealed bytes to exactly as many raw bits as the channel wants, and back; and how many fit."""

from __future__ import annotations

import math

import numpy as np

from latentink.errors import CapacityError
from latentink.payload import ldpc
from latentink.payload.keys import Keys
from latentink.payload.preamble import RAW_FIELD
from latentink.payload.sealing import MAX_SEALED_BYTES, SEALED_OVERHEAD

MAX_RAW_BITS = 2**RAW_FIELD - 1
ACCURACY_MARGIN = 0.005
CODE_LOSS = 0.03
DEVIATIONS = 4.0
HIGHEST_RATE = 0.95


def _whitening(raw_bits: int, keys: Keys) -> np.ndarray:
    return keys.stream("payload whitening").bits(raw_bits)


def frame_bits(sealed: bytes, raw_bits: int, keys: Keys) -> np.ndarray:
    """Return (``raw_bits``,) uint8 of 0 and 1 that carry ``sealed``; without the keys, noise.

    Whitening hides the code's structure: a codeword of a public code would show itself to anybody
    who tests its parity checks, even though the sealed bytes in it look random.

    Raises:
        CapacityError: ``sealed`` has more bits than 95 % of ``raw_bits``.
        ValueError: ``sealed`` is empty.
    """
    bits = np.unpackbits(np.frombuffer(sealed, dtype=np.uint8), bitorder="little")
    if bits.size > HIGHEST_RATE * raw_bits:
        most = int(HIGHEST_RATE * raw_bits) // 8 - SEALED_OVERHEAD
        raise CapacityError(
            f"The message does not fit: {max(0, most)} bytes at most, once compressed."
        )
    return ldpc.encode(bits, raw_bits) ^ _whitening(raw_bits, keys)


def read_frame(soft: np.ndarray, sealed_bytes: int, keys: Keys) -> bytes | None:
    """Return the ``sealed_bytes`` bytes that :func:`frame_bits` put into the raw bits, or None.

    None means that too many raw bits were wrong, or that the lengths make no code, which a preamble
    accepted by chance may claim. What is returned has yet to pass ``unseal``.

    Args:
        soft: (raw_bits,) float of any positive scale, positive = bit 1, 0 = nothing known.
        sealed_bytes: length of the sealed message, from the preamble.
        keys: the keys it was framed under.
    """
    info_bits = 8 * sealed_bytes
    if not 0 < info_bits <= HIGHEST_RATE * len(soft):
        return None
    sign = 1.0 - 2.0 * _whitening(len(soft), keys)
    bits = ldpc.decode(np.asarray(soft, dtype=np.float64) * sign, info_bits)
    return None if bits is None else np.packbits(bits, bitorder="little").tobytes()


# --- planning -----------------------------------------------------------------------------------


def rate_for_accuracy(accuracy: float, raw_bits: int) -> float:
    """Return a code rate that decodes reliably when ``accuracy`` of the raw bits are right.

    The normal approximation of the best rate at finite length (Polyanskiy, Poor, Verdú, "Channel
    coding rate in the finite blocklength regime", 2010) for a binary symmetric channel with 0.5 %
    more errors, less what this code loses against it: C(p) − 0.03 − 4·sqrt(V(p) / length), from
    0 to 0.95. C is the capacity, V the dispersion, length that of one codeword.

    Args:
        accuracy: expected share of right raw bits, 0 to 1; hard decisions, so that soft values add
            further margin. 0.505 or less gives rate 0.
        raw_bits: length of the payload.
    """
    error = 1 - accuracy + ACCURACY_MARGIN
    if error >= 0.5 or raw_bits < 1:
        return 0.0
    odds = math.log2((1 - error) / error)
    capacity = 1 + math.log2(1 - error) - error * odds
    dispersion = error * (1 - error) * odds**2
    length = min(raw_bits, ldpc.MAX_BLOCK_BITS // 2)  # the shortest of several codewords
    rate = capacity - CODE_LOSS - DEVIATIONS * math.sqrt(dispersion / length)
    return min(max(rate, 0.0), HIGHEST_RATE)


def max_sealed_bytes(raw_bits: int, accuracy: float) -> int:
    """Return the longest sealed message for ``raw_bits`` payload bits; 0 when not even one fits."""
    fitting = min(int(rate_for_accuracy(accuracy, raw_bits) * raw_bits) // 8, MAX_SEALED_BYTES)
    return fitting if fitting >= SEALED_OVERHEAD else 0


def max_message_bytes(raw_bits: int, accuracy: float) -> int:
    """Return how many bytes a message may have, after compression, in ``raw_bits`` payload bits.

    The preamble's raw bits are not part of ``raw_bits``. 0 also stands for no room at all: ask
    :func:`max_sealed_bytes` where an empty message matters.
    """
    return max(0, max_sealed_bytes(raw_bits, accuracy) - SEALED_OVERHEAD)


def raw_bits_needed(sealed_bytes: int, accuracy: float) -> int:
    """Return the fewest payload raw bits in which ``sealed_bytes`` bytes decode reliably.

    Args:
        sealed_bytes: at least ``SEALED_OVERHEAD``.
        accuracy: as in :func:`rate_for_accuracy`.

    Raises:
        CapacityError: no number of raw bits up to 2²⁸ − 1 is enough.
    """
    too_few, enough = 0, MAX_RAW_BITS
    if max_sealed_bytes(enough, accuracy) < sealed_bytes:
        raise CapacityError(
            f"No picture carries this message when {accuracy:.0%} of the raw bits are right."
        )
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if max_sealed_bytes(middle, accuracy) >= sealed_bytes:
            enough = middle
        else:
            too_few = middle
    return enough
