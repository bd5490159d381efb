"""The keyed preamble: the 80 bits that tell the receiver what follows.

``sealed_bytes`` (24 bits), ``raw_bits`` (28), ``window`` (8) and a keyed 20-bit check, each least
significant bit first, are coded by :mod:`~latentink.payload.ldpc` and whitened. The receiver has to
decode the preamble before it knows anything else, so the preamble has a code rate of its own that
is far lower than the payload's.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import numpy as np

from latentink.payload import ldpc
from latentink.payload.keys import Keys

SEALED_FIELD, RAW_FIELD, WINDOW_FIELD, CHECK_FIELD = 24, 28, 8, 20
PREAMBLE_INFO_BITS = SEALED_FIELD + RAW_FIELD + WINDOW_FIELD + CHECK_FIELD
LONGEST_PREAMBLE = 896
SHORTEST_PREAMBLE = 128
"""With fewer bits (512 available ones) no sealed message would fit beside a readable preamble."""


@dataclass(frozen=True)
class Preamble:
    """What the receiver must know before it can read the payload.

    Attributes:
        sealed_bytes: length of the sealed message, 0 … 2²⁴ − 1.
        raw_bits: number of raw bits of the payload, 0 … 2²⁸ − 1.
        window: 0 … 255; the channel gives it a meaning.

    Raises:
        ValueError: a field is out of its range.
    """

    sealed_bytes: int
    raw_bits: int
    window: int

    def __post_init__(self) -> None:
        fields = ((self.sealed_bytes, SEALED_FIELD), (self.raw_bits, RAW_FIELD))
        for value, width in (*fields, (self.window, WINDOW_FIELD)):
            if not 0 <= value < 2**width:
                raise ValueError(f"the preamble field {value} does not fit into {width} bits")


def preamble_bits(available: int) -> int:
    """Return the preamble's length in bits for a picture with ``available`` raw bits.

    It is 896, or a quarter of the raw bits of a small picture, or 0 if the picture is too small.
    Both sides compute it, so it depends on nothing else.
    """
    length = min(LONGEST_PREAMBLE, available // 4)
    return length if length >= SHORTEST_PREAMBLE else 0


def _check(fields: int, keys: Keys) -> int:
    digest = hmac.digest(keys.subkey("preamble check"), fields.to_bytes(8, "little"), "sha256")
    return int.from_bytes(digest[:4], "little") % 2**CHECK_FIELD


def _whitening(length: int, keys: Keys) -> np.ndarray:
    return keys.stream("preamble whitening").bits(length)


def encode_preamble(fields: Preamble, keys: Keys, length: int) -> np.ndarray:
    """Return the ``length`` raw bits, uint8 of 0 and 1, that carry ``fields``.

    Raises:
        ValueError: ``length`` is 80 or less.

    Example:
        >>> from latentink.payload.keys import derive_keys
        >>> keys = derive_keys(None)
        >>> fields = Preamble(sealed_bytes=40, raw_bits=1000, window=0)
        >>> raw = encode_preamble(fields, keys, preamble_bits(available=2000))
        >>> decode_preamble(2.0 * raw - 1, keys) == fields
        True
    """
    value = (
        fields.sealed_bytes
        | fields.raw_bits << SEALED_FIELD
        | fields.window << (SEALED_FIELD + RAW_FIELD)
    )
    word = value | _check(value, keys) << (PREAMBLE_INFO_BITS - CHECK_FIELD)
    packed = np.frombuffer(word.to_bytes(PREAMBLE_INFO_BITS // 8, "little"), dtype=np.uint8)
    code = ldpc.encode(np.unpackbits(packed, bitorder="little"), length)
    return code ^ _whitening(length, keys)


def decode_preamble(soft: np.ndarray, keys: Keys) -> Preamble | None:
    """Return the preamble behind ``soft``, or None if the keys or too many bits are wrong.

    Random input that decodes at all passes the check once in 2²⁰ times; the payload's
    authentication then refuses what follows.

    Args:
        soft: (length,) float of any positive scale; positive is bit 1.
        keys: the keys it was encoded under.

    Raises:
        ValueError: ``soft`` has 80 values or fewer.
    """
    sign = 1.0 - 2.0 * _whitening(len(soft), keys)
    bits = ldpc.decode(np.asarray(soft, dtype=np.float64) * sign, PREAMBLE_INFO_BITS)
    if bits is None:
        return None
    word = int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")
    check, value = divmod(word, 2 ** (PREAMBLE_INFO_BITS - CHECK_FIELD))
    if check != _check(value, keys):
        return None
    sealed_bytes = value % 2**SEALED_FIELD
    raw_bits = (value >> SEALED_FIELD) % 2**RAW_FIELD
    return Preamble(sealed_bytes, raw_bits, value >> (SEALED_FIELD + RAW_FIELD))
