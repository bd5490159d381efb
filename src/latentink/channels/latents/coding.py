"""The latents channel: bits as residues of the symbols themselves.

::

    sender     v ──choose the symbols──► symbols ──rANS──► file
                          ▲ the sealed message
    receiver   file ──rANS──► symbols ──residues or syndrome──► sealed message

A short message is the syndrome of the parities of many symbols, w for each bit, of which only the
cheapest change (syndrome_trellis.py). A long one is the residues modulo q = 2^b of the symbols, b
bits each.

Which symbols carry follows from the entropy model, which both ends have: those whose row of the
Gaussian table (their scale σ) is at least a threshold. A symbol with a large σ has many values of
like probability, so that choosing among them costs little. There is no error to correct: the
symbols of a file are exact, or the file is refused.

Both codings keep the distribution of the symbols where it is the entropy model's: a message is
uniform, a coset is chosen without looking at v, and a point in it by the quantile of v; and where a
parity is turned, turning it the other way would have cost as much on the other side of the border.

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
from scipy.special import ndtr

from latentink.channels.latents import syndrome_trellis
from latentink.codecs.codec import Chooser, nearest
from latentink.payload.keys import Keys

PREAMBLE_SYMBOLS = 64
PREAMBLE_ROW = 13
"""Row of the Gaussian table, σ = 0.54, from which on symbols may carry the preamble."""

FLAT_SCALE = 0.575
"""Least scale, in units of q, of a symbol that carries as a residue modulo q.

The residues of a Gaussian are uniform but for a share of 2·exp(−2π²(σ/q)²), here 0.3 %, at most.
"""

_FIELDS = {"sealed_bytes": 24, "threshold": 6, "bits": 3, "width": 4}
_DEAREST = 1e3
# Scales beyond which, in units of q, the border is the middle; σ beyond which nothing is left.
_CURVED, _TAIL = 4, 10
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
        """Residues, or bits, still to be placed."""
        return len(self.residues) - self.done

    def __call__(self, places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Choose the symbols of the next pass; the first has room for the preamble."""
        symbols = nearest(places, values, rows)
        taken = np.zeros(0, dtype=np.int64)
        if self.first:
            self.first = False
            taken = preamble_picks(places, rows, self.numbers)
            symbols[taken] = in_coset(values[taken], self.scales[rows[taken]], self.preamble, 2)
            self.moduli[places[taken]] = 2
        picks = payload_picks(places, rows, self.numbers, self.plan.threshold, taken)
        count = min(self.left, len(picks) // self.plan.width)
        picks = picks[: count * self.plan.width]
        residues = self.residues[self.done : self.done + count]
        own_values, scales = values[picks], self.scales[rows[picks]]
        if self.plan.width > 1:
            symbols[picks] = with_syndrome(own_values, scales, residues, self.plan.width)
        else:
            symbols[picks] = in_coset(own_values, scales, residues, 2**self.plan.bits)
        self.moduli[places[picks]] = 2**self.plan.bits
        self.done += count
        return symbols


def keeping(y: np.ndarray, moduli: np.ndarray) -> Chooser:
    """Return a chooser of the symbols nearest to its values that have the residues of ``y``.

    Args:
        y: (M, h, w) symbols.
        moduli: (M, h, w), 1 where any symbol will do.
    """
    flat, spacing = y.ravel(), moduli.ravel()

    def choose(places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        residues, steps = flat[places] % spacing[places], spacing[places]
        return residues + steps * np.rint((values - residues) / steps)

    return choose


def in_coset(
    values: np.ndarray, scales: np.ndarray, residues: np.ndarray, modulus: int
) -> np.ndarray:
    """Return the symbols ≡ ``residues`` at the quantiles of ``values``.

    The symbols of one residue r have the probabilities P(s)/P(r), P being the entropy model's; v
    gets the one that covers Φ(v/σ). That is one of the two around v, with the border between them
    where the quantiles say, near the middle. So symbols of uniform residues are distributed as P
    wherever v is distributed so, while the nearest of a coset would spread them.

    Args:
        values: (n,) in units of symbols, means taken off.
        scales: (n,) σ.
        residues: (n,) of 0 … modulus − 1.
        modulus: q.
    """
    # From the side of v that has little below it, where probabilities keep their digits.
    signs = np.where(values > 0, -1.0, 1.0)
    mirrored, own = values * signs, residues * signs % modulus
    below = own + modulus * np.floor((mirrored - own) / modulus)
    upwards = mirrored - below > modulus / 2
    narrow = scales <= _CURVED * modulus
    upwards[narrow] = _past_quantile(mirrored[narrow], below[narrow], scales[narrow], modulus)
    return signs * np.where(upwards, below + modulus, below)


def _past_quantile(
    values: np.ndarray, below: np.ndarray, scales: np.ndarray, modulus: int
) -> np.ndarray:
    """Return whether Φ(v/σ) exceeds what ``below`` and the coset's points under it have of it."""
    covered = total = _probability(below, scales)
    for step in range(modulus, math.ceil(_TAIL * scales.max(initial=0)) + modulus, modulus):
        lower, upper = _probability(below - step, scales), _probability(below + step, scales)
        covered = covered + lower
        total = total + lower + upper
    past: np.ndarray = ndtr(values / scales) * total > covered
    return past


def with_syndrome(
    values: np.ndarray, scales: np.ndarray, bits: np.ndarray, width: int
) -> np.ndarray:
    """Return symbols whose parities have the syndrome ``bits``, as near to ``values`` as they can.

    Args:
        values: (n,) in units of symbols, means taken off; n = width · number of bits.
        scales: (n,) σ.
        bits: of 0 and 1.
        width: w, symbols a bit, 2 or more.
    """
    symbols, others, costs = exchanges(values, scales)
    parities = (symbols % 2).astype(np.uint8)
    wanted = syndrome_trellis.embed(parities, costs, bits.astype(np.uint8), width)
    return np.where(wanted == parities, symbols, others)


def exchanges(values: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the nearest symbols, those on the other side of the near border, and what that costs.

    The cost is the distance to the border, measured in probability over the density at the border.
    On either side as much probability lies within a cost, so that symbols are exchanged and none
    gets more. What has nothing to be exchanged with, the other half of its border having less
    probability in all, is dearest.

    Args:
        values: (n,) in units of symbols, means taken off.
        scales: (n,) σ.
    """
    symbols = np.rint(values)
    others = symbols + np.where(values >= symbols, 1, -1)
    borders = (symbols + others) / 2
    # On the left of the mean probabilities keep their digits.
    mirrored, left = -np.sign(borders) * values, -np.abs(borders)
    below = ndtr(left / scales)
    mass = np.abs(ndtr(mirrored / scales) - below)
    outer = below - ndtr((left - 0.5) / scales)
    inner = ndtr((left + 0.5) / scales) - below
    density = np.exp(-0.5 * (borders / scales) ** 2) / (scales * math.sqrt(2 * math.pi))
    # Far out all of them vanish: nothing there is worth a change.
    costs = np.minimum(mass / np.maximum(density, 1e-12), _DEAREST)
    return symbols, others, np.where(mass > np.minimum(inner, outer), _DEAREST, costs)


def _probability(symbols: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return P(s | σ), precise on the left side."""
    near: np.ndarray = ndtr((symbols + 0.5) / scales) - ndtr((symbols - 0.5) / scales)
    return near


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
        picks = payload_picks(places, rows[places], numbers, plan.threshold, taken)
        taken = taken[:0]
        count = min(needed, len(picks) // plan.width)
        own = y[places[picks[: count * plan.width]]] % 2**plan.bits
        residues.append(
            syndrome_trellis.extract(own.astype(np.uint8), plan.width) if plan.width > 1 else own
        )
        needed -= count
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
    if plan.width in syndrome_trellis.COLUMNS:
        return plan if plan.bits == 1 else None
    return plan if plan.width == 1 and plan.bits else None


def _check(value: int, keys: Keys) -> int:
    digest = hmac.digest(keys.subkey("latents/check"), value.to_bytes(8, "little"), "sha256")
    return int.from_bytes(digest[:8], "little") % 2**_CHECK_BITS
