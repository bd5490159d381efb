"""Puts a message into the raw bits of any method: sealed, coded and placed by the key.

Preamble and payload fill all places, in a keyed order, so that the error-correcting code gets all
the redundancy that there is.
"""

from __future__ import annotations

import math

import numpy as np

from latentink.errors import CapacityError, MessageNotFoundError
from latentink.payload.frame import MAX_RAW_BITS, frame_bits, read_frame
from latentink.payload.keys import Keys
from latentink.payload.preamble import Preamble, decode_preamble, encode_preamble, preamble_bits
from latentink.payload.sealing import unseal


def message_bits(sealed: bytes, shape: tuple[int, ...], keys: Keys) -> np.ndarray:
    """Return the raw bits, uint8 of 0 and 1, that carry a sealed message.

    Args:
        sealed: what :func:`latentink.payload.sealing.seal` returned.
        shape: of the raw bits, from :meth:`Method.bits_shape`.
        keys: from the password.

    Raises:
        CapacityError: there are too few places for the message.
    """
    places = math.prod(shape)
    length = preamble_bits(places)
    if length == 0:
        raise CapacityError("The cover has too few places for a message; take a larger photo.")
    raw_bits = min(places - length, MAX_RAW_BITS)
    flat = keys.stream("method filling").bits(places)
    order = _order(places, keys)
    preamble = encode_preamble(Preamble(len(sealed), raw_bits, 0), keys, length)
    flat[order[:length]] = preamble
    flat[order[length : length + raw_bits]] = frame_bits(sealed, raw_bits, keys)
    return flat.reshape(shape)


def message_from(soft: np.ndarray, keys: Keys) -> bytes:
    """Return the message in the soft bits that a method extracted.

    Args:
        soft: float of any shape; positive is bit 1.
        keys: from the password.

    Raises:
        MessageNotFoundError: there is no message under these keys, or too many bits are wrong.
    """
    flat = soft.ravel()
    length = preamble_bits(len(flat))
    order = _order(len(flat), keys)
    preamble = decode_preamble(flat[order[:length]], keys) if length else None
    if preamble is None or preamble.raw_bits > len(flat) - length:
        raise MessageNotFoundError(
            "No message was found: the password or the method is wrong, too many bits are wrong, "
            "or there is no message; check password, method and file."
        )
    payload = flat[order[length : length + preamble.raw_bits]]
    sealed = read_frame(payload, preamble.sealed_bytes, keys)
    if sealed is None:
        raise MessageNotFoundError(
            "A message was found, but too many of its bits are wrong to be corrected; "
            "get the file again, as it was sent."
        )
    return unseal(sealed, keys)


def _order(places: int, keys: Keys) -> np.ndarray:
    return keys.stream("method placement").permutation(places)
