"""Whether the symbols of a .lik file cost more than their distributions say.

The codec gives every symbol of the latent a Gaussian of a known scale, so a file's length has an
expectation. Symbols that a message has pushed away from that distribution cost more than it: an
analyst who knows the codec, and no key, can compute by how much.
"""

from __future__ import annotations

import numpy as np

from latentink.codecs.codec import Codec
from latentink.container import unpack
from latentink.losses.rate import information

SMALLEST_SCALE = 1.0
"""Of the symbols that count: the narrow ones are nearly always 0 and tell nothing."""

# Symbols beyond this, or of more bits than that, add nothing to an entropy.
_REACH = 1600
_LONGEST = 30


def mean_excess_bits(codec: Codec, data: bytes) -> float | None:
    """Return what a symbol of scale σ ≥ 1 costs beyond its entropy, in bits, on average.

    Negative where the codec's scales are too large for the photo, as they mostly are; compare with
    the plain file of the same quality.

    Args:
        codec: that the file was made with.
        data: bytes of a .lik file.

    Returns:
        Mean of −log2 P(symbol) − H(P); None where all scales are below 1.

    Raises:
        ContainerError: the file is foreign, truncated or altered.
    """
    file = unpack(data)
    latents = codec.decode(file.y_stream, file.z_stream, file.height, file.width, file.quality_code)
    scales = codec.scales[latents.indexes]
    wide = scales >= SMALLEST_SCALE
    if not wide.any():
        return None
    spent = information(latents.y[wide], scales[wide])
    rows = latents.indexes[wide]
    entropies = np.zeros(len(codec.scales))
    for row in np.unique(rows):
        entropies[row] = _entropy(float(codec.scales[row]))
    return float((spent - entropies[rows]).mean())


def _entropy(scale: float) -> float:
    """Return the entropy in bits of whole numbers under a Gaussian of this scale."""
    reach = np.arange(-_REACH, _REACH + 1)
    bits = information(reach, np.full(reach.size, scale))
    return float((2.0**-bits * bits * (bits < _LONGEST)).sum())
