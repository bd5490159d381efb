"""How long a message the encoder's coins hold, told from a plain file and not from the message."""

from __future__ import annotations

import math

from scipy.special import ndtr

from latentink.channels.latents.exact.blocks import LEAST_FREE, ROWS, SALT_FREE, blocks_for
from latentink.channels.latents.exact.fields import COUNT_BITS, LENGTH_BITS
from latentink.codecs.codec import Codec
from latentink.codecs.compression import Plain
from latentink.codecs.eligibility import expected_free
from latentink.codecs.rows import counts_of_rows

# Of the rows of a random matrix with n columns the first n are independent but for 1.6 on average,
# 1.7 being the standard deviation.
_LOST_ROWS, _LOST_DEVIATION = 1.6, 1.7
# Standard deviations between what is expected and what is relied on, and what is promised.
_RELIED_ON, _PROMISED = 6.0, 12.0
# Free symbols beyond the count that a block has at least: it cannot say the count once in 2^16.
_SPARE = 16
# Where coins decide which symbols are eligible later, a pass has to be above the least by this.
_ABOVE_LEAST = 1.25


def relied_on(codec: Codec, plain: Plain) -> int:
    """Return how many bytes of ciphertext the coins of a photo all but certainly hold, 0 or more.

    Which symbols are free is left to chance where they depend on coins before them, as with ELIC,
    and so is how many a block gets.

    Args:
        codec: of the plain file.
        plain: the photo with coins of its own.
    """
    return _ciphertext_room(codec, plain, _RELIED_ON)


def promised(codec: Codec, plain: Plain) -> int:
    """Return what :func:`relied_on` returns at least for any coins, all but certainly."""
    return _ciphertext_room(codec, plain, _PROMISED)


def _ciphertext_room(codec: Codec, plain: Plain, deviations: float) -> int:
    scales = codec.entropy.scales
    rows = codec.entropy.by_pass(plain.latents.indexes)
    several = len(rows) > 1
    bits, variance, missing = 0.0, 0.0, SALT_FREE
    for free, own_rows in zip(plain.free, rows, strict=True):
        expected = int(counts_of_rows(own_rows, len(scales)) @ expected_free(scales))
        salt = min(missing, expected)
        missing -= salt
        blocks = blocks_for(expected - salt)
        if blocks == 0 or (several and expected - salt < _ABOVE_LEAST * LEAST_FREE):
            continue
        # Chance decides which of them the salt takes, and which a block gets.
        own = free * (1 - salt / expected) / blocks
        if own - 5 * math.sqrt(own * (1 - 1 / blocks)) < COUNT_BITS + _SPARE:
            break
        bits += blocks * (_capped(own) - COUNT_BITS - _LOST_ROWS)
        variance += free * salt / expected + blocks * _LOST_DEVIATION**2
        variance += free / 3 if several else 0
    return max(0, int(bits - LENGTH_BITS - deviations * math.sqrt(variance)) // 8)


def _capped(mean: float) -> float:
    """Return the mean of min(n, ``ROWS``), n being a Poisson number of this mean."""
    deviation = math.sqrt(mean)
    above = (mean - ROWS) / deviation
    # scipy.stats has the density too, but importing it takes as long as hiding in a small photo.
    density = math.exp(-(above**2) / 2) / math.sqrt(2 * math.pi)
    return float(mean - deviation * (above * ndtr(above) + density))
