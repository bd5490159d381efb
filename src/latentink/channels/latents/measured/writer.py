"""Choosers of symbols (codecs/entropy_model.py) that write a message or keep one."""

from __future__ import annotations

import numpy as np

from latentink.channels.latents.measured.coding import in_coset, with_syndrome
from latentink.channels.latents.measured.places import keyed_numbers, payload_picks, preamble_picks
from latentink.channels.latents.measured.preamble import LatentsPlan, encode_preamble
from latentink.channels.latents.measured.residues import to_residues
from latentink.codecs.entropy_model import Chooser
from latentink.payload.keys import Keys


class LatentsWriter:
    """A :data:`~latentink.codecs.entropy_model.Chooser` whose symbols carry a sealed message.

    Used once, for the passes of one photo in their order.

    Attributes:
        moduli: (count,) of each flat position: 2^b, 2 in the preamble, 1 where nothing is carried.
    """

    def __init__(
        self,
        plan: LatentsPlan,
        sealed: bytes,
        keys: Keys,
        count: int,
        scales: np.ndarray,
        others: Chooser,
    ) -> None:
        """Prepare to write.

        Args:
            plan: where and how densely.
            sealed: the sealed message, of ``plan.sealed_bytes``.
            keys: they place the bits.
            count: number of symbols of the photo.
            scales: σ of each row of the Gaussian table.
            others: chooses the symbols that carry nothing.
        """
        self.others = others
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
        symbols = self.others(places, values, rows)
        taken = np.zeros(0, dtype=np.int64)
        if self.first:
            self.first = False
            taken = preamble_picks(places, rows, self.numbers)
            exact = values[taken].astype(np.float64)
            symbols[taken] = in_coset(exact, self.scales[rows[taken]], self.preamble, 2)
            self.moduli[places[taken]] = 2
        picks = payload_picks(places, rows, self.numbers, self.plan.threshold, taken)
        count = min(self.left, len(picks) // self.plan.width)
        picks = picks[: count * self.plan.width]
        residues = self.residues[self.done : self.done + count]
        own_values, scales = values[picks].astype(np.float64), self.scales[rows[picks]]
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
