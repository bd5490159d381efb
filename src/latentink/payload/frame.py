"""Puts sealed bytes into exactly as many raw bits as the channel asks for; says how many fit."""

from __future__ import annotations

import math

import numpy as np

from latentink.errors import CapacityError
from latentink.payload import ldpc
from latentink.payload.keys import Keys
from latentink.payload.preamble import RAW_FIELD
from latentink.payload.sealing import MAX_SEALED_BYTES, SEALED_OVERHEAD

MAX_RAW_BITS = 2**RAW_FIELD - 1
"""The most raw bits that a preamble can announce."""

ACCURACY_MARGIN = 0.005
"""Added to the expected share of wrong bits when a rate is planned."""

CODE_LOSS = 0.03
"""Rate that the LDPC code loses against the best possible one."""

DEVIATIONS = 4.0
"""Standard deviations of the channel's information below its mean that a rate allows for."""

HIGHEST_RATE = 0.95
"""Sealed bits per raw bit at most."""


def _whitening(raw_bits: int, keys: Keys) -> np.ndarray:
    return keys.stream("payload whitening").bits(raw_bits)


def frame_bits(sealed: bytes, raw_bits: int, keys: Keys) -> np.ndarray:
    """Return (``raw_bits``,) uint8 of 0 and 1 that carry ``sealed``.

    Without the keys they look like noise. Whitening hides the structure of the code: anybody could
    test the parity checks of a public code, even though the sealed bytes in it look random.

    Args:
        sealed: what :func:`latentink.payload.sealing.seal` returned.
        raw_bits: how many raw bits to fill, up to 2²⁸ − 1.
        keys: from the password.

    Raises:
        CapacityError: ``sealed`` has more bits than 95 % of ``raw_bits``.
        ValueError: ``sealed`` is empty.

    Example:
        >>> from latentink.payload.keys import derive_keys
        >>> keys = derive_keys(None)
        >>> raw = frame_bits(b"sealed bytes", 400, keys)
        >>> raw[:40] ^= 1  # a tenth of the bits arrive wrong
        >>> read_frame(2.0 * raw - 1, 12, keys)
        b'sealed bytes'
    """
    bits = np.unpackbits(np.frombuffer(sealed, dtype=np.uint8), bitorder="little")
    if bits.size > HIGHEST_RATE * raw_bits:
        most = int(HIGHEST_RATE * raw_bits) // 8 - SEALED_OVERHEAD
        raise CapacityError(
            f"The message does not fit: {max(0, most)} bytes at most, once compressed; shorten it."
        )
    return ldpc.encode(bits, raw_bits) ^ _whitening(raw_bits, keys)


def read_frame(soft: np.ndarray, sealed_bytes: int, keys: Keys) -> bytes | None:
    """Return the ``sealed_bytes`` bytes that :func:`frame_bits` put into the raw bits, or None.

    None means that too many raw bits were wrong, or that there is no code for these lengths, as a
    preamble that passed its check by chance may claim. The bytes still have to pass ``unseal``.

    Args:
        soft: (raw_bits,) float of any positive scale; positive is bit 1, 0 is unknown.
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

    The rate is C(p) − 0.03 − 4·sqrt(V(p) / length), from 0 to 0.95: the normal approximation of the
    best rate at finite length (Polyanskiy, Poor, Verdú, "Channel coding rate in the finite
    blocklength regime", 2010) for a binary symmetric channel with 0.5 % more errors, minus the loss
    of this code. C is the capacity, V the dispersion, length that of one codeword.

    Args:
        accuracy: expected share of right raw bits, 0 to 1, after hard decisions; soft values add
            a further margin. 0.505 or less gives rate 0.
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
    """Return how many bytes a sealed message may have in ``raw_bits`` payload bits.

    0 means that not even an empty message fits. ``accuracy`` as in :func:`rate_for_accuracy`.
    """
    fitting = min(int(rate_for_accuracy(accuracy, raw_bits) * raw_bits) // 8, MAX_SEALED_BYTES)
    return fitting if fitting >= SEALED_OVERHEAD else 0


def max_message_bytes(raw_bits: int, accuracy: float) -> int:
    """Return how many bytes a message may have, after compression, in ``raw_bits`` payload bits.

    The preamble's raw bits are not part of ``raw_bits``. 0 may mean that not even an empty message
    fits; :func:`max_sealed_bytes` tells the two apart.
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
            f"No picture carries this message when {accuracy:.0%} of the raw bits are right; "
            "shorten it."
        )
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if max_sealed_bytes(middle, accuracy) >= sealed_bytes:
            enough = middle
        else:
            too_few = middle
    return enough
