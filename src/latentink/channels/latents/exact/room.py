"""How long a message the encoder's coins hold, told from a plain file and not from the message."""

from __future__ import annotations

import math

import numpy as np

from latentink.channels.latents.exact.blocks import (
    LEAST_SYMBOLS,
    ROWS,
    SALT_SYMBOLS,
    blocks_for,
    count_bits,
)
from latentink.channels.latents.exact.fields import LENGTH_BITS
from latentink.codecs.codec import Codec
from latentink.codecs.coins import are_free, eligible_row
from latentink.codecs.compression import Plain

# Of the rows of a random matrix with n columns the first n are independent but for 1.6 on average,
# 1.7 being the standard deviation.
_LOST_ROWS, _LOST_DEVIATION = 1.6, 1.7
# Standard deviations between what is expected and what is relied on, and what is promised.
_RELIED_ON, _PROMISED = 5.0, 10.0
# Free symbols beyond the count that a block has at least: it cannot say the count once in 2^16.
_SPARE = 16


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
    values, rows = plain.values_of_symbols().ravel(), plain.latents.indexes.ravel()
    passes = codec.passes(plain.latents.y.shape)
    bits, variance, missing = 0.0, 0.0, SALT_SYMBOLS
    for places in passes:
        eligible = int(np.count_nonzero(rows[places] >= eligible_row(codec.scales)))
        salt = min(missing, eligible)
        missing -= salt
        carrying = eligible - salt
        if carrying < LEAST_SYMBOLS:
            continue
        free = int(np.count_nonzero(are_free(values[places], codec.scales[rows[places]])))
        free_carrying = free * carrying / eligible
        # Chance decides which of them the salt takes, and which a block gets.
        variance += free * salt / eligible + (free if len(passes) > 1 else 0) / 3
        blocks = blocks_for(carrying)
        own, width = free_carrying / blocks, count_bits(carrying // blocks)
        if own - 3 * math.sqrt(own) * (1 - 1 / blocks) < width + _SPARE:
            break
        bits += blocks * (min(own, ROWS - 1) - width - _LOST_ROWS)
        variance += blocks * _LOST_DEVIATION**2
    return max(0, int(bits - LENGTH_BITS - deviations * math.sqrt(variance)) // 8)
