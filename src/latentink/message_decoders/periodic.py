"""The periodic message decoder: random projections of the picture, read modulo a period.

Like FNNS-R's (keyed.py) it is a fixed random network, but with one layer and a sine as activation:
logit = sin(2π · ⟨w, patch⟩ / period). This is quantisation index modulation (Chen and Wornell,
"Quantization index modulation", IEEE Trans. Inf. Theory 2001, section III) of random projections.
Whatever value a projection has in the photo, a change of at most half a period makes it read as
either bit, so the photo itself does not interfere. The gradient is smooth on the scale of the
codec's error, so the editor finds that change in tens of steps, and each step costs only one small
convolution of stride 4.

From key to filters
-------------------
One stream ``Keystream(key, "pixels/periodic")`` gives 16 · 3 · 8 · 8 values by
:meth:`~latentink.payload.keystream.Keystream.uniform` in C order (plane, colour, row, column), and
in float64:

1. u becomes 2u − 1.
2. Each 8×8 filter is smoothed with (1, 2, 1)/4 down the columns and along the rows, with zeros
   outside, because the codec spends fewer bits on low and middle frequencies than on the highest.
3. The mean of each 8×8 filter is subtracted, so that flat areas and brightness give 0.
4. Each plane (3·8·8 values) is scaled to unit Euclidean norm, so that projections are in units of
   one grey level, and rounded to float32.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latentink.frozen_networks import full_precision
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.payload.keystream import Keystream

PURPOSE = "pixels/periodic"
PLANES = 16
KERNEL = 8
STRIDE = 4
PERIODS = {"periodic": 32.0, "periodic64": 64.0, "periodic128": 128.0}
"""Periods of the projection in grey levels: the distance between values that read as 1."""
# Below this PSNR of the plain picture one symbol moves projections by more than the short period,
# so the gradient no longer leads anywhere; below the second, this happens with some codecs.
_COARSE_BELOW_DB = 30.0
_MAYBE_BELOW_DB = 33.0
_PADDING = (KERNEL - STRIDE) // 2


class PeriodicDecoder(MessageDecoder):
    """Logits sin(2π·projection/period) in [−1, 1], 16 planes, a place every 4 pixels."""

    stride = STRIDE

    def __init__(self, key: bytes, name: str = "periodic") -> None:
        """Draw the filters from ``key``; the same key always gives the same ones.

        Args:
            key: secret bytes.
            name: a key of :data:`PERIODS`.
        """
        super().__init__(name, PLANES, halo=STRIDE)
        self.period = PERIODS[name]
        self.register_buffer("filters", torch.from_numpy(keyed_filters(key)))

    def forward(self, picture: Tensor) -> Tensor:
        """Return logits (B, 16, ⌊H/4⌋, ⌊W/4⌋) of ``picture`` (B, 3, H, W) in [0, 1]."""
        return self.planes(picture, PLANES)

    def planes(self, picture: Tensor, count: int) -> Tensor:
        """Return the first ``count`` planes of the logits; the others are not computed."""
        filters = self.get_buffer("filters")[:count]
        # In bf16 the phase would be off by a tenth of a period, so this layer is always float32.
        with full_precision(picture.device):
            projection = functional.conv2d(
                picture.float(), filters, stride=STRIDE, padding=_PADDING
            )
            return torch.sin(projection * (2 * math.pi * 255 / self.period))


def suited_periods(name: str, plain_psnr_db: float) -> list[str]:
    """Return the periodic message decoders to try for a plain picture of this PSNR, best first.

    The name of any other message decoder is returned alone.
    """
    if name not in PERIODS:
        return [name]
    if plain_psnr_db < _COARSE_BELOW_DB:
        return ["periodic64", "periodic128"]
    return ["periodic", "periodic64"] if plain_psnr_db < _MAYBE_BELOW_DB else ["periodic"]


def keyed_filters(key: bytes) -> np.ndarray:
    """Return the filters (16, 3, 8, 8) float32 of ``key``, drawn as the top of this file says."""
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
