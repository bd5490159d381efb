"""What the receiver does with a picture: preamble, payload, sealed bytes, message."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentink.channels.pixels.carrier import (
    carrier_of_code,
    payload_positions,
    preamble_positions,
    smallest_carrier,
)
from latentink.channels.pixels.view import View, read_logits
from latentink.errors import MessageNotFoundError
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.payload.frame import read_frame
from latentink.payload.keys import Keys
from latentink.payload.preamble import decode_preamble, preamble_bits
from latentink.payload.sealing import unseal


@dataclass(frozen=True)
class SoftBits:
    """The raw bits of a message as the receiver reads them.

    Attributes:
        preamble: (768 or fewer,) float, positive = bit 1.
        payload: (raw_bits,) float.
        sealed_bytes: length of the sealed message.
    """

    preamble: np.ndarray
    payload: np.ndarray
    sealed_bytes: int


def read_soft_bits(decoder: MessageDecoder, view: View, keys: Keys) -> SoftBits | None:
    """Return the raw bits of the message in a picture, or None; looks at the parts that carry.

    None: under these keys and through this decoder there is no preamble.
    """
    height, width = view.size
    smallest = smallest_carrier(height, width, decoder, keys)
    if preamble_bits(smallest.positions) == 0:
        return None
    logits = read_logits(decoder, view, smallest)
    preamble_soft = logits.ravel()[preamble_positions(smallest, smallest, keys)]
    preamble = decode_preamble(preamble_soft, keys)
    if preamble is None:
        return None
    carrier = carrier_of_code(preamble.window, height, width, decoder, keys)
    if carrier is None or carrier.planes < smallest.planes:
        return None
    order = payload_positions(carrier, smallest, keys)
    if preamble.raw_bits > len(order):
        return None
    soft = read_logits(decoder, view, carrier).ravel()[order[: preamble.raw_bits]]
    return SoftBits(preamble_soft, soft, preamble.sealed_bytes)


def message_of(soft: SoftBits, keys: Keys) -> bytes:
    """Return the message behind the raw bits.

    Raises:
        MessageNotFoundError: too many raw bits are wrong, or the seal is broken.
    """
    sealed = read_frame(soft.payload, soft.sealed_bytes, keys)
    if sealed is None:
        raise MessageNotFoundError(
            "A message was found but too much of it is damaged; "
            "get the picture again, as it was sent."
        )
    return unseal(sealed, keys)
