"""Which symbols carry, and in which order: both ends compute it from the keys and the table rows.

Symbols carry whose row of the Gaussian table (their scale σ) is at least a threshold: a symbol with
a large σ has many values of similar probability, so that a choice among them costs little. The
preamble lies in the parities of 64 symbols of the first pass, chosen by keyed numbers among those
whose row is at least ``PREAMBLE_ROW``. The payload follows in the order of the passes and, within a
pass, of the keyed numbers.
"""

from __future__ import annotations

import numpy as np

from latentink.channels.latents.measured.preamble import PREAMBLE_SYMBOLS
from latentink.payload.keys import Keys

PREAMBLE_ROW = 13
"""Row of the Gaussian table, σ = 0.54, from which on symbols may carry the preamble."""


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
