"""The pixels channel: a fixed network reads the bits from the decoded 8-bit picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latentink.channels.pixels.carrier import Carrier
from latentink.geometry import Rectangle
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.picture import to_tensor

# Crops for reading start on multiples of this, so that strided decoders keep their grid.
_ALIGNMENT = 16


@dataclass(frozen=True)
class View:
    """A picture that need not be there as a whole.

    Attributes:
        size: height and width, pixels.
        part: gives any rectangle of it as (1, 3, h, w) in [0, 1], 8-bit values.
    """

    size: tuple[int, int]
    part: Callable[[Rectangle], Tensor]


def whole_picture(picture: np.ndarray) -> View:
    """Return the view of a picture (H, W, 3) uint8 that is there."""
    return View(
        (picture.shape[0], picture.shape[1]),
        lambda part: to_tensor(picture[part.rows, part.columns]),
    )


@torch.no_grad()
def read_logits(decoder: MessageDecoder, view: View, carrier: Carrier) -> np.ndarray:
    """Return the logits (planes, gh, gw) float32 of a carrier, as the receiver sees them.

    Args:
        decoder: the message decoder.
        view: the picture.
        carrier: which part to read.
    """
    window = carrier.window
    bounds = Rectangle(0, 0, *view.size)
    margin = -(-decoder.halo // _ALIGNMENT) * _ALIGNMENT
    seen = window.grown(margin, bounds)
    logits = decoder.planes(view.part(seen), carrier.planes)
    inner = window.shifted(seen)
    top, left = inner.top // carrier.stride, inner.left // carrier.stride
    rows, columns = carrier.grid
    return logits[0, :, top : top + rows, left : left + columns].float().numpy()
