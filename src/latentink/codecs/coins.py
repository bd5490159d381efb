"""The encoder's coins: a symbol whose value lies near a border goes to either side by a fair coin.

A deterministic encoder can hide nothing without a trace, because whoever has the photo can repeat
it. This encoder cannot be repeated: where a value lies close to the border between two integers, a
coin decides which of them is written. Every file is made so, with a message or without; a message
decides how the coins of a file fall (:mod:`latentink.channels.latents.exact`).

*Free* are the symbols that a coin decides; only the sender knows them. *Eligible* are those that
may be free (eligibility.py); they follow from the rows of the Gaussian table, which a receiver
knows.

"Close" is measured in probability, so that as much of it lies within reach on either side. Then the
coins exchange symbols and favour none, and the file does not grow.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from latentink.blas_threads import share_among_threads
from latentink.codecs.eligibility import COIN_SCALE
from latentink.codecs.entropy_model import SYMBOL_LIMIT, nearest
from latentink.payload.keystream import Keystream

REACH = 0.055
"""δ: how close to a border a coin decides, see :func:`exchanges`.

The distortion that coins add grows as δ², the room for messages as δ; docs/channels.md has what was
measured.
"""

UNREACHABLE = 1e3
# Values further from a border than this are within no reach.
_FAR = 0.3
# Symbols whose arrays stay in a processor's cache.
_AT_A_TIME = 2**17


def coins_of(entropy: bytes) -> Keystream:
    """Return a source of fair coins, see :func:`~latentink.payload.keystream.entropy_of`."""
    return Keystream(entropy, "encoder/coins")


def exchanges(values: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the nearest symbols, those on the other side of the near border, and how far it is.

    The distance is the probability between value and border over the density at the border. On
    either side as much probability lies within a distance, so that symbols are exchanged and none
    gets more. What has nothing to be exchanged with, the other half of its border having less
    probability in all, is ``UNREACHABLE``.

    Args:
        values: (n,) in units of symbols, means taken off.
        scales: (n,) σ.

    Example:
        For wide Gaussians it is the distance itself:

        >>> symbols, others, distances = exchanges(np.array([2.45, -0.1]), np.array([60.0, 60.0]))
        >>> symbols, others, distances.round(2)
        (array([ 2., -0.]), array([ 3., -1.]), array([0.05, 0.4 ]))
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
    # Far out all of them vanish: nothing there is within reach.
    distances = np.minimum(mass / np.maximum(density, 1e-12), UNREACHABLE)
    return symbols, others, np.where(mass > np.minimum(inner, outer), UNREACHABLE, distances)


def are_free(values: np.ndarray, rows: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return which symbols a coin decides, bool (n,).

    Args:
        values: (n,) in units of symbols, means taken off.
        rows: (n,) their rows of the Gaussian table.
        scales: σ of each row.

    Example:
        >>> rows = np.array([1, 1, 1, 0])
        >>> are_free(np.array([0.46, 0.3, -1.52, 0.5]), rows, np.array([0.1, 2]))
        array([ True, False,  True, False])
    """
    free = np.zeros(len(values), dtype=bool)

    def decide(begin: int) -> None:
        part = slice(begin, begin + _AT_A_TIME)
        own_scales = scales[rows[part]]
        eligible = np.flatnonzero(own_scales >= COIN_SCALE)
        own = values[part][eligible].astype(np.float64)
        off_border = np.abs(own - np.floor(own) - 0.5)
        near = (off_border <= _FAR) & (np.abs(own) < SYMBOL_LIMIT - 1)
        reached = exchanges(own[near], own_scales[eligible[near]])[2] <= REACH
        free[part][eligible[near]] = reached

    share_among_threads(decide, range(0, len(values), _AT_A_TIME))
    return free


def with_parities(values: np.ndarray, parities: np.ndarray) -> np.ndarray:
    """Return the neighbour of each value that has the parity, 0 or 1: ⌊v⌋ or ⌊v⌋ + 1."""
    below = np.floor(values)
    return below + (below + parities) % 2


class CoinFlips:
    """A :data:`Chooser` that rounds to the nearest symbol, and free symbols by a coin each.

    Each flat position has its own coin, so that latents of which only some are changed are rounded
    alike where they are the same.

    Attributes:
        free: how many symbols of each pass a coin has decided.
    """

    def __init__(self, coins: Keystream, scales: np.ndarray) -> None:
        """Begin a file.

        Args:
            coins: where the coins come from.
            scales: σ of each row of the codec's Gaussian table.
        """
        self.free: list[int] = []
        self._coins, self._scales = coins, scales
        self._drawn = np.zeros(0, dtype=np.uint8)

    def __call__(self, places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Choose the symbols of the next pass."""
        symbols = nearest(places, values, rows)
        missing = int(places.max(initial=-1)) + 1 - len(self._drawn)
        if missing > 0:
            # By whole bytes, so that it does not matter how many are asked for at a time.
            fresh = self._coins.bits(missing + -missing % 8)
            self._drawn = np.concatenate([self._drawn, fresh])
        free = np.flatnonzero(are_free(values, rows, self._scales))
        self.free.append(len(free))
        symbols[free] = with_parities(values[free], self._drawn[places[free]])
        return symbols
