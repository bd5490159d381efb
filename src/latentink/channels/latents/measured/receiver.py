"""The receiver of what :mod:`.sender` wrote: preamble, residues or syndrome, sealed message.

There is no error to correct: the symbols of a file are exact, or the file is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from latentink.channels.latents.measured import syndrome_trellis
from latentink.channels.latents.measured.places import keyed_numbers, payload_picks, preamble_picks
from latentink.channels.latents.measured.preamble import decode_preamble
from latentink.channels.latents.measured.residues import from_residues
from latentink.payload.keys import Keys


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
