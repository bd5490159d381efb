"""The latents channel: bits as residues of the symbols themselves.

::

    sender     v ──choose the best point of a coset──► symbols ──rANS──► file
                          ▲ residues mod q = 2^b: b bits of the sealed message each
    receiver   file ──rANS──► symbols ──residues──► sealed message

Which symbols carry follows from the entropy model, which both ends have: those whose row of the
Gaussian table (their scale σ) is at least a threshold. A symbol with a large σ has many values of
like probability, so that choosing among them costs little. There is no error to correct: the
symbols of a file are exact, or the file is refused.

The preamble (64 bits, keyed) lies in the parities of 64 symbols of the first pass, chosen by keyed
numbers among those whose row is at least ``PREAMBLE_ROW``. The payload follows in the order of the
passes and, within a pass, of the keyed numbers.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from latentink.codecs.codec import nearest
from latentink.losses.rate import gaussian_information
from latentink.payload.keys import Keys

PREAMBLE_SYMBOLS = 64
PREAMBLE_ROW = 13
"""Row of the Gaussian table, σ = 0.54, from which on symbols may carry the preamble."""

DISTORTION_BITS = 6 / math.log(2)
"""λ1·distortion, in bits, of moving a value by one symbol.

At the optimum of a uniform quantiser at high rate, R = −½·log2 D with D = w/12 for a step of one
symbol, and λ·dD = −dR gives λ·w = 6 / ln 2.
"""

_FIELDS = {"sealed_bytes": 24, "threshold": 6, "bits": 3}
_CHECK_BITS = PREAMBLE_SYMBOLS - sum(_FIELDS.values())


@dataclass(frozen=True)
class LatentsPlan:
    """What the preamble says.

    Attributes:
        sealed_bytes: length of the sealed message, below 2²⁴.
        threshold: least row of the Gaussian table that carries, below 64.
        bits: b, bits a carrying symbol, 1 to 7.
    """

    sealed_bytes: int
    threshold: int
    bits: int


def keyed_numbers(keys: Keys, count: int) -> np.ndarray:
    """Return the keyed number (uint32) of each of ``count`` flat positions."""
    return np.frombuffer(keys.stream("latents/places").take(4 * count), dtype="<u4")


def has_room_for_preamble(rows: np.ndarray) -> bool:
    """Return whether symbols of the first pass with these ``rows`` can carry the preamble."""
    return int(np.count_nonzero(rows >= PREAMBLE_ROW)) >= PREAMBLE_SYMBOLS


def preamble_picks(places: np.ndarray, rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return which symbols (64,), as indexes into the first pass, carry the preamble.

    Fewer are returned where the picture has fewer.

    Args:
        places: (n,) flat positions of the first pass.
        rows: (n,) their rows of the Gaussian table.
        numbers: keyed numbers of all positions.
    """
    able = np.flatnonzero(rows >= PREAMBLE_ROW)
    order = np.argsort(numbers[places[able]], kind="stable")
    return able[order[:PREAMBLE_SYMBOLS]]


def payload_picks(
    places: np.ndarray, rows: np.ndarray, numbers: np.ndarray, threshold: int, taken: np.ndarray
) -> np.ndarray:
    """Return which symbols of a pass carry payload, as indexes into it, in their order.

    Args:
        places: (n,) flat positions of the pass.
        rows: (n,) their rows of the Gaussian table.
        numbers: keyed numbers of all positions.
        threshold: least row that carries.
        taken: indexes into the pass that carry the preamble.
    """
    able = rows >= threshold
    able[taken] = False
    chosen = np.flatnonzero(able)
    return chosen[np.argsort(numbers[places[chosen]], kind="stable")]


class LatentsWriter:
    """A :data:`~latentink.codecs.codec.Chooser` whose symbols carry a sealed message.

    Used once, for the passes of one photo in their order.

    Attributes:
        moduli: (count,) of each flat position: 2^b, 2 in the preamble, 1 where nothing is carried.
    """

    def __init__(
        self, plan: LatentsPlan, sealed: bytes, keys: Keys, count: int, scales: np.ndarray
    ) -> None:
        """Prepare to write.

        Args:
            plan: where and how densely.
            sealed: the sealed message, of ``plan.sealed_bytes``.
            keys: they place the bits.
            count: number of symbols of the photo.
            scales: σ of each row of the Gaussian table.
        """
        self.plan, self.scales = plan, scales
        self.numbers = keyed_numbers(keys, count)
        self.preamble = encode_preamble(plan, keys)
        self.residues = to_residues(sealed, plan.bits)
        self.moduli = np.ones(count, dtype=np.int64)
        self.done, self.first = 0, True

    @property
    def left(self) -> int:
        """Payload symbols still to be placed."""
        return len(self.residues) - self.done

    def __call__(self, places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Choose the symbols of the next pass; the first has room for the preamble."""
        symbols = nearest(places, values, rows)
        taken = np.zeros(0, dtype=np.int64)
        if self.first:
            self.first = False
            taken = preamble_picks(places, rows, self.numbers)
            symbols[taken] = nearest_in_coset(
                values[taken], self.scales[rows[taken]], self.preamble, 2
            )
            self.moduli[places[taken]] = 2
        picks = payload_picks(places, rows, self.numbers, self.plan.threshold, taken)[: self.left]
        residues = self.residues[self.done : self.done + len(picks)]
        symbols[picks] = nearest_in_coset(
            values[picks], self.scales[rows[picks]], residues, 2**self.plan.bits
        )
        self.moduli[places[picks]] = 2**self.plan.bits
        self.done += len(picks)
        return symbols


def nearest_in_coset(
    values: np.ndarray, scales: np.ndarray, residues: np.ndarray, modulus: int
) -> np.ndarray:
    """Return the symbols ≡ ``residues`` that cost least in rate and distortion together.

    The cost of a symbol s for a value v is ``DISTORTION_BITS``·(v − s)² − log2 P(s | σ); the two
    nearest of the coset are compared.

    Args:
        values: (n,) in units of symbols, means taken off.
        scales: (n,) σ.
        residues: (n,) of 0 … modulus − 1.
        modulus: q.
    """
    first = residues + modulus * np.rint((values - residues) / modulus)
    second = first + modulus * np.where(values >= first, 1, -1)
    better = _cost(values, second, scales) < _cost(values, first, scales)
    return np.where(better, second, first)


def _cost(values: np.ndarray, symbols: np.ndarray, scales: np.ndarray) -> np.ndarray:
    return DISTORTION_BITS * (values - symbols) ** 2 + information(symbols, scales)


def information(symbols: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the bits (float64) of each symbol, see :func:`gaussian_information`."""
    exact = torch.from_numpy(symbols).double(), torch.from_numpy(scales)
    return gaussian_information(*exact).numpy()


def read_sealed(
    y: np.ndarray, rows: np.ndarray, passes: Sequence[np.ndarray], keys: Keys
) -> bytes | None:
    """Return the sealed message in the symbols of a file, or None when these keys find none.

    What is returned has yet to pass ``unseal``.

    Args:
        y: (M, h, w) symbols.
        rows: (M, h, w) their rows of the Gaussian table.
        passes: flat positions of each pass, in coding order.
        keys: from the password.
    """
    y, rows = y.ravel(), rows.ravel()
    numbers = keyed_numbers(keys, y.size)
    taken = preamble_picks(passes[0], rows[passes[0]], numbers)
    plan = decode_preamble(y[passes[0][taken]] % 2, keys)
    if plan is None:
        return None
    needed = math.ceil(8 * plan.sealed_bytes / plan.bits)
    residues: list[np.ndarray] = []
    for places in passes:
        picks = payload_picks(places, rows[places], numbers, plan.threshold, taken)[:needed]
        taken = taken[:0]
        residues.append(y[places[picks]] % 2**plan.bits)
        needed -= len(picks)
    return None if needed else from_residues(np.concatenate(residues), plan)


def to_residues(sealed: bytes, bits: int) -> np.ndarray:
    """Return ``sealed`` as numbers of ``bits`` bits, least significant first, zeros at the end."""
    stream = np.unpackbits(np.frombuffer(sealed, dtype=np.uint8), bitorder="little")
    padded = np.pad(stream, (0, -len(stream) % bits)).reshape(-1, bits)
    return padded.astype(np.int64) @ (1 << np.arange(bits))


def from_residues(residues: np.ndarray, plan: LatentsPlan) -> bytes:
    """Return the bytes of :func:`to_residues`."""
    stream = (residues[:, None] >> np.arange(plan.bits)) & 1
    packed = np.packbits(
        stream.ravel()[: 8 * plan.sealed_bytes].astype(np.uint8), bitorder="little"
    )
    return packed.tobytes()


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
    return plan if plan.bits else None


def _check(value: int, keys: Keys) -> int:
    digest = hmac.digest(keys.subkey("latents/check"), value.to_bytes(8, "little"), "sha256")
    return int.from_bytes(digest[:8], "little") % 2**_CHECK_BITS
