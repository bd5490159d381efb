"""How a message of a given length is spread over a picture's raw bits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from latentink.channels.pixels.carrier import (
    MOST_PLANES,
    WHOLE,
    WINDOW_SIDES,
    Carrier,
    carrier_of_code,
    smallest_carrier,
)
from latentink.editing.presets import Spread
from latentink.errors import CapacityError
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.payload.frame import (
    max_message_bytes,
    max_sealed_bytes,
    raw_bits_needed,
)
from latentink.payload.keys import Keys
from latentink.payload.preamble import preamble_bits

BEST_ACCURACY = 0.98
"""The most that the editor is asked for: beyond, every further bit costs the photo too much."""

CODE_LOSS = 0.055
SHORT_LOSS = 1.2


@dataclass(frozen=True)
class Plan:
    """Where a sealed message goes.

    Attributes:
        carrier: window and planes.
        smallest: the carrier of the preamble.
        raw_bits: of the payload, without the preamble.
        information: bits per raw bit that the error correction needs from the soft values.
    """

    carrier: Carrier
    smallest: Carrier
    raw_bits: int
    information: float


def plan_message(
    sealed_bytes: int, size: tuple[int, int], decoder: MessageDecoder, keys: Keys, spread: Spread
) -> Plan:
    """Return the smallest carrier that holds ``sealed_bytes`` at most as densely as wanted.

    Args:
        sealed_bytes: length of the sealed message.
        size: height and width of the picture, pixels.
        decoder: the message decoder.
        keys: they place the window.
        spread: how thinly.

    Raises:
        CapacityError: it does not fit into all positions of the picture.
    """
    smallest = smallest_carrier(*size, decoder, keys)
    preamble = preamble_bits(smallest.positions)
    whole = [_carrier(WHOLE, planes, size, decoder, keys) for planes in _planes(smallest, decoder)]
    most = whole[-1].positions - preamble
    if preamble == 0 or max_sealed_bytes(most, BEST_ACCURACY) < sealed_bytes:
        fitting = max_message_bytes(most, BEST_ACCURACY) if preamble else 0
        raise CapacityError(
            f"The message does not fit into this photo: it holds {fitting} bytes at most. "
            "Shorten the message or take a larger photo."
        )
    if spread.fill:
        return _plan(whole[-1], smallest, most, sealed_bytes)
    fewest = _raw_bits(sealed_bytes, spread.highest_accuracy, most)
    wished = _raw_bits(sealed_bytes, spread.accuracy, most)
    windows = [
        _carrier(code, smallest.planes, size, decoder, keys) for code in range(len(WINDOW_SIDES))
    ]
    for carrier in [*windows, *whole]:
        thin = int(spread.density * carrier.window.height * carrier.window.width) - preamble
        room = carrier.positions - preamble
        if fewest <= room and (fewest <= thin or carrier.size_code == WHOLE):
            return _plan(carrier, smallest, min(wished, room, max(fewest, thin)), sealed_bytes)
    return _plan(whole[-1], smallest, most, sealed_bytes)


def largest_message(
    size: tuple[int, int], decoder: MessageDecoder, keys: Keys, accuracy: float
) -> int:
    """Return the bytes that all positions of a picture (height, width) hold at a raw accuracy."""
    smallest = smallest_carrier(*size, decoder, keys)
    preamble = preamble_bits(smallest.positions)
    carrier = _carrier(WHOLE, _planes(smallest, decoder)[-1], size, decoder, keys)
    return max_message_bytes(carrier.positions - preamble, accuracy) if preamble else 0


def information_needed(sealed_bytes: int, raw_bits: int) -> float:
    """Return the soft information per raw bit at which ``sealed_bytes`` decode reliably.

    The code rate and what the code loses against capacity, measured on binary symmetric, erasure
    and mixed channels of 1,500 to 32,000 raw bits (docs/payload.md).
    """
    return 8 * sealed_bytes / raw_bits + CODE_LOSS + SHORT_LOSS / math.sqrt(raw_bits)


def _raw_bits(sealed_bytes: int, accuracy: float, most: int) -> int:
    """Return the raw bits for an accuracy, or all there are where they are too few for it."""
    if max_sealed_bytes(most, accuracy) < sealed_bytes:
        return most
    return raw_bits_needed(sealed_bytes, accuracy)


def _planes(smallest: Carrier, decoder: MessageDecoder) -> range:
    return range(smallest.planes, min(decoder.data_depth, MOST_PLANES) + 1)


def _carrier(
    size_code: int, planes: int, size: tuple[int, int], decoder: MessageDecoder, keys: Keys
) -> Carrier:
    carrier = carrier_of_code(size_code | (planes - 1) << 4, *size, decoder, keys)
    assert carrier is not None
    return carrier


def _plan(carrier: Carrier, smallest: Carrier, raw_bits: int, sealed_bytes: int) -> Plan:
    return Plan(carrier, smallest, raw_bits, information_needed(sealed_bytes, raw_bits))
