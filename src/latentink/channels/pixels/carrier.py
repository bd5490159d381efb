"""Which raw bits of a picture may carry: a keyed window and the planes of the logits in it.

A small message needs a small part of a large photo, and the rest can be compressed plainly. The
window's place is drawn from the key; its size and the number of planes are one byte, which the
preamble transmits. The preamble itself lies in the smallest carrier, which all others contain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from latentink.geometry import Rectangle
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.payload.keys import Keys
from latentink.payload.preamble import preamble_bits

GRID = 64
"""Windows start and end on multiples of this many pixels, or at the picture's border."""

WINDOW_SIDES = (512, 704, 1024, 1472, 2048, 2880, 4096, 5824, 8192, 11584, 16384, 23168, 32768)
WHOLE = 15
MOST_PLANES = 16
ROOMY = 8192
"""Positions that the preamble chooses from at least, where the picture has them."""


@dataclass(frozen=True)
class Carrier:
    """A window of pixels and how many planes of the logits in it carry.

    Attributes:
        window: in pixels.
        planes: 1 to 16.
        stride: pixels a side per logit.
        size_code: index into ``WINDOW_SIDES``, or ``WHOLE``.
    """

    window: Rectangle
    planes: int
    stride: int
    size_code: int

    @property
    def code(self) -> int:
        """The byte that the preamble carries."""
        return self.size_code | (self.planes - 1) << 4

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of logits in the window."""
        return self.window.height // self.stride, self.window.width // self.stride

    @property
    def positions(self) -> int:
        """Number of raw bits that could lie here."""
        return self.planes * self.grid[0] * self.grid[1]


def carrier_of_code(
    code: int, height: int, width: int, decoder: MessageDecoder, keys: Keys
) -> Carrier | None:
    """Return the carrier of a preamble's byte in a picture, or None when there is no such one."""
    size_code, planes = code & 15, (code >> 4) + 1
    if planes > decoder.data_depth or not (size_code == WHOLE or size_code < len(WINDOW_SIDES)):
        return None
    stride = decoder.stride
    if size_code == WHOLE:
        return Carrier(Rectangle(0, 0, height, width), planes, stride, size_code)
    side = WINDOW_SIDES[size_code]
    across, down = keys.stream("window").uniform(2)
    top, tall = _span(height, side, float(down))
    left, wide = _span(width, side, float(across))
    return Carrier(Rectangle(top, left, top + tall, left + wide), planes, stride, size_code)


def _span(extent: int, side: int, share: float) -> tuple[int, int]:
    """Return start and length of a window's side; larger sides contain smaller ones."""
    if side >= extent:
        return 0, extent
    return int(share * (extent - side)) // GRID * GRID, side


def smallest_carrier(height: int, width: int, decoder: MessageDecoder, keys: Keys) -> Carrier:
    """Return the carrier of the preamble: the smallest window and, in small pictures, more planes.

    Every carrier of a message contains it.
    """
    one_plane = carrier_of_code(0, height, width, decoder, keys)
    assert one_plane is not None
    planes = math.ceil(ROOMY / max(one_plane.positions, 1))
    return replace(one_plane, planes=max(1, min(planes, decoder.data_depth, MOST_PLANES)))


def preamble_places(smallest: Carrier, keys: Keys) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return planes, rows and columns, within ``smallest``, of the preamble's raw bits."""
    count = preamble_bits(smallest.positions)
    chosen = keys.stream("preamble placement").permutation(smallest.positions)[:count]
    planes, rows, columns = np.unravel_index(chosen, (smallest.planes, *smallest.grid))
    return planes, rows, columns


def payload_positions(carrier: Carrier, smallest: Carrier, keys: Keys) -> np.ndarray:
    """Return the carrier's flat positions (plane, row, column) in the order in which they fill.

    The preamble's positions are left out, so ``carrier.positions − preamble`` remain.
    """
    order = keys.stream("payload placement").permutation(carrier.positions)
    taken = np.zeros(carrier.positions, dtype=bool)
    taken[preamble_positions(carrier, smallest, keys)] = True
    return order[~taken[order]]


def preamble_positions(carrier: Carrier, smallest: Carrier, keys: Keys) -> np.ndarray:
    """Return the preamble's raw bits as flat positions of ``carrier``, in order."""
    planes, rows, columns = preamble_places(smallest, keys)
    down = (smallest.window.top - carrier.window.top) // carrier.stride
    across = (smallest.window.left - carrier.window.left) // carrier.stride
    shape = (carrier.planes, *carrier.grid)
    return np.ravel_multi_index((planes, rows + down, columns + across), shape)
