"""The preamble: a keyed word of 256 bits for each length of a frame, found by correlation.

A receiver knows neither grid nor step nor length. On each grid it compares the soft bits of the
preamble's places with all 1,024 words at once, for each step, and for each *tilt*: how much
sharpening or blur has raised or lowered high frequencies on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from latentink.channels.robust.grid import FREQUENCIES, Grid
from latentink.channels.robust.lattice import STEPS, soft_bits
from latentink.channels.robust.layout import LENGTHS, PREAMBLE_BITS, preamble_of
from latentink.payload.keys import Keys

TILTS = (0.0, -0.2, 0.25, -0.4, 0.5, 0.8, 1.2)
"""Gains of the highest frequency, less 1; other frequencies' grow with the square of theirs."""
LEAST_SCORE = 6.5
"""Standard deviations above chance from which a word counts as found. There are 2²⁵ comparisons on
all grids together, so that a picture without a message has a chance of 0.1 % to be looked at."""
_SQUARES = np.array([u * u + v * v for u, v in FREQUENCIES], dtype=np.float32)
_HEIGHTS = _SQUARES / _SQUARES.max()


@dataclass(frozen=True)
class Sighting:
    """A word that a picture seems to hold.

    Attributes:
        score: standard deviations above chance.
        grid: on which.
        step: Δ, grey levels.
        tilt: of the frequencies.
        frame_bytes: length of the frame that follows.
    """

    score: float
    grid: Grid
    step: float
    tilt: float
    frame_bytes: int


def words_of(keys: Keys) -> np.ndarray:
    """Return the words, (1024, 256) float32 of 1 and −1, of all lengths."""
    return _words(keys.subkey("robust/preamble"))


@lru_cache(maxsize=4)
def _words(key: bytes) -> np.ndarray:
    stream = Keys(key).stream("robust/words")
    bits = stream.bits(len(LENGTHS) * PREAMBLE_BITS).reshape(len(LENGTHS), PREAMBLE_BITS)
    return bits.astype(np.float32) * 2 - 1


def levelled(coefficients: np.ndarray, tilt: float) -> np.ndarray:
    """Return coefficients as they were before a tilt."""
    gains = 1 + np.float32(tilt) * _HEIGHTS
    return (coefficients.reshape(-1, len(FREQUENCIES)) / gains).ravel()


def look(coefficients: np.ndarray, grid: Grid, keys: Keys) -> Sighting | None:
    """Return the word that a grid holds, or None.

    Args:
        coefficients: of the picture on the grid.
        grid: theirs.
        keys: of the password.
    """
    places = preamble_of(keys, grid)
    projections = [places.of(levelled(coefficients, tilt)) for tilt in TILTS]
    soft = np.stack([soft_bits(row, step) for row in projections for step in STEPS])
    deviation = np.sqrt(np.square(soft).sum(axis=1, keepdims=True))
    scores = (soft / np.maximum(deviation, np.float32(1e-6))) @ words_of(keys).T
    trial, word = np.unravel_index(int(scores.argmax()), scores.shape)
    score = float(scores[trial, word])
    if score < LEAST_SCORE:
        return None
    tilt, step = divmod(int(trial), len(STEPS))
    return Sighting(score, grid, STEPS[step], TILTS[tilt], LENGTHS[word])
