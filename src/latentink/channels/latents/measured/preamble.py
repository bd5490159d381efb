"""What a receiver must know of a message in the symbols: 64 keyed bits in 64 parities."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import numpy as np

from latentink.channels.latents.measured import syndrome_trellis
from latentink.payload.keys import Keys

PREAMBLE_SYMBOLS = 64
_FIELDS = {"sealed_bytes": 24, "threshold": 6, "bits": 3, "width": 4}
_CHECK_BITS = PREAMBLE_SYMBOLS - sum(_FIELDS.values())


@dataclass(frozen=True)
class LatentsPlan:
    """What the preamble says.

    Attributes:
        sealed_bytes: length of the sealed message, below 2²⁴.
        threshold: least row of the Gaussian table that carries, below 64.
        bits: b, bits a carrying symbol, 1 to 7.
        width: w, symbols a bit: 1, or where b = 1 one of those of syndrome_trellis.py.
    """

    sealed_bytes: int
    threshold: int
    bits: int
    width: int = 1


def encode_preamble(plan: LatentsPlan, keys: Keys) -> np.ndarray:
    """Return the 64 bits (uint8) of a preamble: fields and a keyed check, whitened."""
    value = shift = 0
    for name, width in _FIELDS.items():
        field = getattr(plan, name)
        if not 0 <= field < 2**width:
            raise ValueError(f"the preamble field {name} = {field} does not fit into {width} bits")
        value |= field << shift
        shift += width
    word = value | _check(value, keys) << shift
    packed = np.frombuffer(word.to_bytes(PREAMBLE_SYMBOLS // 8, "little"), dtype=np.uint8)
    bits = np.unpackbits(packed, bitorder="little")
    return bits ^ keys.stream("latents/preamble").bits(PREAMBLE_SYMBOLS)


def decode_preamble(bits: np.ndarray, keys: Keys) -> LatentsPlan | None:
    """Return the plan behind the 64 parities, or None: too few, wrong keys, or no message."""
    if len(bits) < PREAMBLE_SYMBOLS:
        return None
    plain = bits.astype(np.uint8) ^ keys.stream("latents/preamble").bits(PREAMBLE_SYMBOLS)
    word = int.from_bytes(np.packbits(plain, bitorder="little").tobytes(), "little")
    check, value = divmod(word, 2 ** (PREAMBLE_SYMBOLS - _CHECK_BITS))
    if check != _check(value, keys):
        return None
    fields = {}
    for name, width in _FIELDS.items():
        fields[name] = value % 2**width
        value >>= width
    plan = LatentsPlan(**fields)
    if plan.width in syndrome_trellis.COLUMNS:
        return plan if plan.bits == 1 else None
    return plan if plan.width == 1 and plan.bits else None


def _check(value: int, keys: Keys) -> int:
    digest = hmac.digest(keys.subkey("latents/check"), value.to_bytes(8, "little"), "sha256")
    return int.from_bytes(digest[:8], "little") % 2**_CHECK_BITS
