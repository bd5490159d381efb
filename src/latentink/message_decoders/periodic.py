"""The periodic keyed decoder: random projections of the picture, read modulo a period.

A fixed random network like FNNS-R's (keyed.py), of one layer and with a sine for its
activation: logit = sin(2π · ⟨w, patch⟩ / period). It is quantisation index modulation (Chen and
Wornell, "Quantization index modulation", IEEE Trans. Inf. Theory 2001, section III) of random
projections: whatever the photo's own value of a projection, a change of at most half a period
makes it say either bit, so the photo is no interference, and the gradient is smooth on the scale of
the codec's own error, so the editor finds that change in tens of steps. The photo's texture does
not matter, and one small convolution of stride 4 is all that a step costs.

From key to filters
-------------------
One stream ``Keystream(key, "pixels/periodic")`` gives 16 · 3 · 8 · 8 values by
:meth:`~latentink.payload.keystream.Keystream.uniform` in C order (plane, colour, row, column), and
in float64:

1. u becomes 2u − 1.
2. Each 8×8 filter is smoothed with (1, 2, 1)/4 down the columns and along the rows, zeros outside:
   the codec transmits low and middle frequencies more cheaply than the highest.
3. The mean of each 8×8 filter is subtracted: flat areas and brightness give 0.
4. Each plane (3·8·8 values) is scaled to unit Euclidean norm, so that its projection has the scale
   of one grey level, and rounded to float32.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.payload.keystream import Keystream

PURPOSE = "pixels/periodic"
PLANES = 16
KERNEL = 8
STRIDE = 4
PERIODS = {"periodic": 32.0, "periodic64": 64.0, "periodic128": 128.0}
"""Grey levels from one bit 1 to the next, in the projection; bits 0 lie halfway."""
# PSNR of the plain picture below which a symbol's step moves projections by more than the short
# period, so that the gradient no longer says where it leads; up to the second, with some codecs.
_COARSE_BELOW_DB = 30.0
_MAYBE_BELOW_DB = 33.0
_PADDING = (KERNEL - STRIDE) // 2


class PeriodicDecoder(MessageDecoder):
    """Logits sin(2π·projection/period) in [−1, 1] at every 4th pixel each way, up to 16 planes."""

    stride = STRIDE

    def __init__(self, key: bytes, name: str = "periodic") -> None:
        """Draw the filters from ``key``: the same network for the same key, for ever.

        Args:
            key: secret bytes.
            name: which of :data:`PERIODS`.
        """
        super().__init__(name, PLANES, halo=STRIDE)
        self.period = PERIODS[name]
        self.register_buffer("filters", torch.from_numpy(keyed_filters(key)))

    def forward(self, picture: Tensor) -> Tensor:
        """Return logits (B, 16, ⌊H/4⌋, ⌊W/4⌋) of ``picture`` (B, 3, H, W) in [0, 1]."""
        return self.planes(picture, PLANES)

    def planes(self, picture: Tensor, count: int) -> Tensor:
        """Return only the first ``count`` planes of the logits: the others cost nothing."""
        filters = self.get_buffer("filters")[:count]
        # A phase in bf16 would be off by a tenth of a period: this layer is always float32.
        with torch.autocast(picture.device.type, enabled=False):
            projection = functional.conv2d(
                picture.float(), filters, stride=STRIDE, padding=_PADDING
            )
            return torch.sin(projection * (2 * math.pi * 255 / self.period))


def suited_periods(name: str, plain_psnr_db: float) -> list[str]:
    """Return the periodic decoders to try for a plain picture of this PSNR, the likeliest first.

    Another decoder's name is returned alone.
    """
    if name not in PERIODS:
        return [name]
    if plain_psnr_db < _COARSE_BELOW_DB:
        return ["periodic64", "periodic128"]
    return ["periodic", "periodic64"] if plain_psnr_db < _MAYBE_BELOW_DB else ["periodic"]


def keyed_filters(key: bytes) -> np.ndarray:
    """Return the filters (16, 3, 8, 8) float32 of ``key``, as the module's text says."""
    stream = Keystream(key, PURPOSE)
    draws = 2 * stream.uniform(PLANES * 3 * KERNEL * KERNEL) - 1
    filters = draws.reshape(PLANES, 3, KERNEL, KERNEL)
    for axis in (2, 3):
        filters = _binomial(filters, axis)
    filters = filters - filters.mean(axis=(2, 3), keepdims=True)
    norms = np.sqrt((filters**2).sum(axis=(1, 2, 3), keepdims=True))
    return (filters / norms).astype(np.float32)


def _binomial(filters: np.ndarray, axis: int) -> np.ndarray:
    before, after = np.zeros_like(filters), np.zeros_like(filters)
    moved, source = [slice(None)] * 4, [slice(None)] * 4
    moved[axis], source[axis] = slice(1, None), slice(None, -1)
    before[tuple(moved)] = filters[tuple(source)]
    after[tuple(source)] = filters[tuple(moved)]
    return (before + 2 * filters + after) / 4
