"""How long a message a method really delivers, measured with the random bits that it embedded.

The code is linear and its words are whitened, so a code word c is as good a sample of the raw bits
as the random bits b were. What a bit became does not depend on what it says (a channel is mirrored
when its bit is), so the soft values that c would have given follow from those of b:

    soft of c  =  soft of b · (2b − 1) · (2c − 1)

Messages of several lengths can thus be tried on one embedding.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar

from latentink.errors import CapacityError, MessageNotFoundError
from latentink.methods.messages import message_bits, message_from
from latentink.payload.frame import HIGHEST_RATE, MAX_RAW_BITS
from latentink.payload.keys import Keys, derive_keys
from latentink.payload.keystream import entropy_of
from latentink.payload.preamble import preamble_bits
from latentink.payload.sealing import MAX_MESSAGE_BYTES, SEALED_OVERHEAD, message_salt, seal

SHARES = (0.96, 0.88, 0.8, 0.65, 0.45, 0.25)
"""Shares of the bound, in the order of trial. The code hardly ever reaches more than the first; the
last are for rates below 1/6, at which it loses more.
"""

FINEST = 0.9
"""The search ends when what came back is at least this share of the shortest that was lost."""

# Natural logarithms of the scale that turns typical soft values into log-likelihood ratios.
_LOG_SCALES = (-12.0, 6.0)


def delivered_bits(soft: np.ndarray, bits: np.ndarray, keys: Keys | None = None) -> int:
    """Return the bits of the longest message that comes back; 0 where none does.

    At most six lengths are tried, and the one returned really came back. First come the
    :data:`SHARES` of what :func:`mutual_information` allows, downwards; then, while trials are
    left, lengths between the first that came back and the last that was lost. Mostly the figure is
    less than 10 % short.

    Sealing and preamble count against the message. Where fewer than about 70 % of the raw bits are
    right, the preamble (80 bits in 896) is lost, and any message with it.

    Args:
        soft: what was read, positive is bit 1, on any positive scale.
        bits: what was embedded, uint8 of 0 and 1, same shape, random.
        keys: of the message; None is the public key.
    """
    keys = derive_keys(None) if keys is None else keys
    margins = mirrored(soft, bits, np.ones_like(bits))
    information = mutual_information(margins)

    def comes_back(share: float) -> bool:
        return _comes_back(message_length(share * information, bits.size), margins, keys)

    return 8 * message_length(longest_share(comes_back) * information, bits.size)


def longest_share(comes_back: Callable[[float], bool]) -> float:
    """Return the longest share of a bound that comes back, 0 where none does.

    Args:
        comes_back: tries one, 0 to 1; called six times at most.
    """
    lost = 1.0
    for trial, share in enumerate(SHARES, start=1):
        if comes_back(share):
            return _refined(share, lost, len(SHARES) - trial, comes_back)
        lost = share
    return 0.0


def mirrored(soft: np.ndarray, bits: np.ndarray, word: np.ndarray) -> np.ndarray:
    """Return the soft values that embedding ``word`` instead of ``bits`` would have given.

    Args:
        soft: what was read, positive is bit 1.
        bits: what was embedded, of 0 and 1, same shape.
        word: of 0 and 1, same shape.
    """
    return np.where(bits == word, soft, -soft)


def mutual_information(margins: np.ndarray) -> float:
    """Return the bits of information, 0 to 1, that soft values give about a raw bit.

    The generalised mutual information, the maximum over scales s of mean(1 − log2(1 + exp(−s·m)))
    (Kaplan and Shamai, "Information rates and error exponents of compound channels with application
    to antipodal signaling in a fading environment", AEÜ 47, 1993). With hard decisions that is
    1 − H(p); soft values mostly give more.

    Args:
        margins: soft values m, positive where the bit read right.
    """
    values = np.nan_to_num(np.asarray(margins, dtype=np.float64).ravel())
    if not values.any():
        return 0.0
    values = values / np.median(np.abs(values[values != 0]))

    def loss(log_scale: float) -> float:
        return float(np.logaddexp(0, -math.exp(log_scale) * values).mean()) / math.log(2)

    best = minimize_scalar(loss, bounds=_LOG_SCALES, method="bounded")
    return min(max(1 - float(best.fun), 0.0), 1.0)


def message_length(rate: float, places: int) -> int:
    """Return the bytes of a message that fills the places beside its preamble, 0 where none fits.

    Args:
        rate: bits of the sealed message in a raw bit; more than 0.95 counts as 0.95.
        places: raw bits, the preamble's included.
    """
    preamble = preamble_bits(places)
    if not preamble:
        return 0
    sealed = int(min(rate, HIGHEST_RATE) * min(places - preamble, MAX_RAW_BITS)) // 8
    return min(max(sealed - SEALED_OVERHEAD, 0), MAX_MESSAGE_BYTES)


def _refined(found: float, lost: float, trials: int, comes_back: Callable[[float], bool]) -> float:
    """Return the longest share that comes back, by halving between ``found`` and ``lost``."""
    for _ in range(trials):
        if found >= FINEST * lost:
            break
        middle = (found + lost) / 2
        if comes_back(middle):
            found = middle
        else:
            lost = middle
    return found


def _comes_back(length: int, margins: np.ndarray, keys: Keys) -> bool:
    """Say whether a message of ``length`` bytes comes back; margins as for all bits 1."""
    if length == 0:
        return False
    message = np.random.default_rng(length).bytes(length)
    sealed = seal(message, keys, message_salt(keys, entropy_of(0), message))
    try:
        word = message_bits(sealed, margins.shape, keys)
        return message_from(mirrored(margins, np.ones_like(word), word), keys) == message
    except (CapacityError, MessageNotFoundError):
        return False
