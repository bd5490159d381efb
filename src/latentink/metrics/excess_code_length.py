"""Whether the symbols of a .lik file cost more bits than the entropy model expects.

The codec gives every symbol of the latent a Gaussian of a known scale, so the length of a file has
an expectation. Symbols that a message has pushed away from that distribution cost more. An analyst
who has the codec, but no key, can compute by how much.
"""

from __future__ import annotations

import numpy as np

from latentink.codecs.entropy_model import EntropyModel
from latentink.codecs.file_coding import decode_latents
from latentink.container import unpack
from latentink.losses.rate import information

SMALLEST_SCALE = 1.0
"""Symbols of smaller scales are left out: they are nearly always 0 and tell nothing."""

# Larger symbols than this, and symbols that cost more bits than that, add nothing to an entropy.
_REACH = 1600
_LONGEST = 30


def mean_excess_bits(model: EntropyModel, data: bytes) -> float | None:
    """Return how many bits a symbol of scale σ ≥ 1 costs above its entropy, on average.

    The value is negative if the codec's scales are too large for the photo, which is usual. Compare
    it with that of the plain file at the same quality.

    Args:
        model: the entropy model of the codec that made the file.
        data: the bytes of a .lik file.

    Returns:
        The mean of −log2 P(symbol) − H(P) in bits; None if all scales are below 1.

    Raises:
        ContainerError: the file is foreign, truncated or altered.
    """
    latents = decode_latents(model, unpack(data))
    scales = model.scales[latents.indexes]
    wide = scales >= SMALLEST_SCALE
    if not wide.any():
        return None
    spent = information(latents.y[wide], scales[wide])
    rows = latents.indexes[wide]
    entropies = np.zeros(len(model.scales))
    for row in np.unique(rows):
        entropies[row] = _entropy(float(model.scales[row]))
    return float((spent - entropies[rows]).mean())


def _entropy(scale: float) -> float:
    """Return the entropy in bits of a Gaussian of this scale that is rounded to integers."""
    reach = np.arange(-_REACH, _REACH + 1)
    bits = information(reach, np.full(reach.size, scale))
    return float((2.0**-bits * bits * (bits < _LONGEST)).sum())
