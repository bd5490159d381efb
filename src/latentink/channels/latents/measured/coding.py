"""How symbols say bits: by their residues, or by the syndrome of the parities of many.

A short message is the syndrome of the parities of many symbols, w for each bit, of which only the
cheapest change (syndrome_trellis.py). A long one is the residues modulo q = 2^b of the symbols, b
bits each.

Both codings keep the distribution of the symbols where it is the entropy model's. A message is
uniform, a coset is chosen without looking at v, and a point in the coset by the quantile of v; and
where a parity is turned, turning it the other way would have cost as much on the other side of the
border.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from latentink.channels.latents.measured import syndrome_trellis
from latentink.codecs.coins import exchanges

FLAT_SCALE = 0.575
"""Least scale, in units of q, of a symbol that carries as a residue modulo q.

The residues of a Gaussian are uniform but for a share of 2·exp(−2π²(σ/q)²), here 0.3 %, at most.
"""

# Scales beyond which, in units of q, the border is the middle; σ beyond which nothing is left.
_CURVED, _TAIL = 4, 10


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


def _probability(symbols: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return P(s | σ), precise on the left side."""
    near: np.ndarray = ndtr((symbols + 0.5) / scales) - ndtr((symbols - 0.5) / scales)
    return near
