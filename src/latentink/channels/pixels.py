"""The pixels channel: a fixed network reads the bits from the decoded 8-bit picture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latentink.channels.carrier import Carrier
from latentink.channels.message_decoder import MessageDecoder
from latentink.geometry import Rectangle

# Crops for reading start on multiples of this, so that strided decoders keep their grid.
_ALIGNMENT = 16


@torch.no_grad()
def read_logits(decoder: MessageDecoder, picture: Tensor, carrier: Carrier) -> np.ndarray:
    """Return the logits (planes, gh, gw) float32 of a carrier, as the receiver sees them.

    Args:
        decoder: the message decoder.
        picture: (1, 3, H, W) in [0, 1], the whole picture, 8-bit values.
        carrier: which part to read.
    """
    window = carrier.window
    bounds = Rectangle(0, 0, *picture.shape[-2:])
    margin = -(-decoder.halo // _ALIGNMENT) * _ALIGNMENT
    seen = window.grown(margin, bounds)
    logits = decoder.planes(picture[..., seen.rows, seen.columns], carrier.planes)
    inner = window.shifted(seen)
    top, left = inner.top // carrier.stride, inner.left // carrier.stride
    rows, columns = carrier.grid
    return logits[0, :, top : top + rows, left : left + columns].float().numpy()
