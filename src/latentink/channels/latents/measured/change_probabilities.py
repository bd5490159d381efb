"""How many places a syndrome-trellis code changes, told before a message is coded."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import entr, expit

# As if messages were so much longer, and how many places are looked at to tell.
_EXCESS = 1.08
_SAMPLE = 4096


def change_probabilities(costs: np.ndarray, width: int) -> np.ndarray:
    """Return how likely :func:`~.syndrome_trellis.embed` changes each place, about.

    Nothing has been coded yet, so the message does not matter.

    At the bound (the paper's equation 5) a place of cost ρ changes with probability
    1/(1 + exp(λρ)), λ such that the entropies sum to the message; this code does as if the message
    were longer by ``_EXCESS``.

    Args:
        costs: (n,) 0 or more.
        width: w, places a bit.
    """
    sample = costs[:: max(1, len(costs) // _SAMPLE)]
    payload = min(_EXCESS / width, 0.99)
    low, high = -10.0, 20.0
    for _ in range(30):
        middle = (low + high) / 2
        if _entropy(_odds(sample, math.exp(middle))).mean() > payload:
            low = middle
        else:
            high = middle
    return _odds(costs, math.exp(low))


def _odds(costs: np.ndarray, steepness: float) -> np.ndarray:
    odds: np.ndarray = expit(-steepness * costs)
    return odds


def _entropy(odds: np.ndarray) -> np.ndarray:
    bits: np.ndarray = (entr(odds) + entr(1 - odds)) / math.log(2)
    return bits
