"""The receiver of the pixels channel: logits, preamble, payload, sealed bytes, message.

A message decoder reads logits from the decoded 8-bit picture. The receiver looks only at the parts
of the picture that may carry, so that a large file need not be decoded as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from latentink.channels.channel import Received
from latentink.channels.pixels.carrier import (
    Carrier,
    carrier_of_code,
    payload_positions,
    preamble_positions,
    smallest_carrier,
)
from latentink.errors import MessageNotFoundError
from latentink.geometry import Rectangle
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.message_decoders.registry import load_message_decoder, tried_by_receivers
from latentink.payload.frame import read_frame
from latentink.payload.keys import Keys
from latentink.payload.preamble import decode_preamble, preamble_bits
from latentink.payload.sealing import unseal

# Crops for reading start on multiples of this, so that strided decoders keep their grid.
_ALIGNMENT = 16


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


def read_message(received: Received, keys: Keys) -> bytes | None:
    """Return the message in a picture, or None where no message decoder finds one.

    Args:
        received: the picture; ``decoder`` names the only message decoder to try.
        keys: from the password.

    Raises:
        MessageNotFoundError: a message was found, but too much of it is damaged.
        WeightsError: there is no such message decoder.
    """
    failure = None
    for name in tried_by_receivers() if received.decoder is None else (received.decoder,):
        soft = read_soft_bits(load_message_decoder(name, keys.master), received, keys)
        if soft is None:
            continue
        try:
            return message_of(soft, keys)
        except MessageNotFoundError as error:
            # Networks that look for similar things may read each other's robust preamble.
            failure = error
    if failure is not None:
        raise failure
    return None


def read_soft_bits(decoder: MessageDecoder, received: Received, keys: Keys) -> SoftBits | None:
    """Return the raw bits of the message in a picture.

    None: under these keys and through this decoder there is no preamble.
    """
    height, width = received.size
    smallest = smallest_carrier(height, width, decoder, keys)
    if preamble_bits(smallest.positions) == 0:
        return None
    logits = read_logits(decoder, received, smallest)
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
    soft = read_logits(decoder, received, carrier).ravel()[order[: preamble.raw_bits]]
    return SoftBits(preamble_soft, soft, preamble.sealed_bytes)


@torch.no_grad()
def read_logits(decoder: MessageDecoder, received: Received, carrier: Carrier) -> np.ndarray:
    """Return the logits (planes, gh, gw) float32 of a carrier, as the receiver sees them.

    Args:
        decoder: the message decoder.
        received: the picture.
        carrier: which part to read.
    """
    window = carrier.window
    margin = -(-decoder.halo // _ALIGNMENT) * _ALIGNMENT
    seen = window.grown(margin, Rectangle(0, 0, *received.size))
    logits = decoder.planes(received.part(seen), carrier.planes)
    inner = window.shifted(seen)
    top, left = inner.top // carrier.stride, inner.left // carrier.stride
    rows, columns = carrier.grid
    return logits[0, :, top : top + rows, left : left + columns].float().numpy()


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
