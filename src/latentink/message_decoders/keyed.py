"""The keyed message decoder: a fixed network whose weights are drawn from the password's key.

FNNS-R, after Kishore, Chen, Wang, Li, Weinberger, "Fixed Neural Network Steganography: Train the
images, not the network", ICLR 2022, section 4: a message decoder need not be trained, and if only
those who have the key can build it, nobody else reads anything.

From key to weights
-------------------
One stream ``Keystream(key, "pixels/network")`` feeds all layers in their order, first to last. For
a layer with shape (out, in, 3, 3), ``out · in · 9`` values are taken with
:meth:`~latentink.payload.keystream.Keystream.uniform` in C order (out slowest, kernel column
fastest), and in float64:

1. u becomes 2u − 1, uniform on [−1, 1). A normal distribution would need a logarithm or a cosine,
   whose last bit differs between platforms.
2. In the first and the last layer the mean of the nine taps of each 3×3 filter is subtracted. A
   flat area then gives 0 whatever its colour, and the positive mean that leaky ReLU leaves in the
   last activations does not tilt the logits towards 1 or 0.
3. The layer is multiplied by one constant, so that the mean square of its weights is the He value
   2 / ((1 + 0.01²) · 9 · in). The last layer is also multiplied by ``LOGIT_GAIN``.
4. The weights are rounded to float32. All biases are 0.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch

from latentink.message_decoders.folding import CHAIN_WIRING, FoldedDecoder, Layer
from latentink.message_decoders.message_decoder import NEGATIVE_SLOPE
from latentink.payload.keystream import Keystream

PURPOSE = "pixels/network"

LOGIT_GAIN = 10.0
"""Brings the logits of natural photos to a standard deviation of about 1 (photos/train)."""


def keyed_decoder(key: bytes, data_depth: int = 1, hidden: int = 32) -> FoldedDecoder:
    """Return the random message decoder of ``key``; the same arguments always give the same one.

    It has four 3×3 convolutions 3 → hidden → hidden → hidden → data_depth with leaky ReLU between
    them and no normalisation, so that a logit depends only on pixels at most 4 away. On natural
    photos its logits have a mean near 0, a standard deviation near 1, and both signs equally often.

    Args:
        key: Secret bytes, of any length.
        data_depth: Logits at each pixel.
        hidden: Channels of the inner layers.
    """
    widths = (3, hidden, hidden, hidden, data_depth)
    stream = Keystream(key, PURPOSE)
    last = len(widths) - 2
    layers = []
    for i, (channels_in, channels_out) in enumerate(pairwise(widths)):
        kernel = _draw_kernel(stream, channels_in, channels_out, zero_sum=i in (0, last))
        if i == last:
            kernel *= LOGIT_GAIN
        layers.append(
            Layer(
                sources=CHAIN_WIRING[i],
                kernels=(torch.from_numpy(kernel.astype(np.float32)),),
                missing=torch.zeros(channels_out, 3, 3),
                bias=torch.zeros(channels_out),
            )
        )
    return FoldedDecoder("keyed", data_depth, layers).eval()


def _draw_kernel(
    stream: Keystream, channels_in: int, channels_out: int, zero_sum: bool
) -> np.ndarray:
    """Return a float64 kernel (out, in, 3, 3), drawn as the top of this file says."""
    taps = 2 * stream.uniform(channels_out * channels_in * 9) - 1
    kernel = taps.reshape(channels_out, channels_in, 3, 3)
    if zero_sum:
        kernel = kernel - kernel.mean(axis=(2, 3), keepdims=True)
    he = 2 / ((1 + NEGATIVE_SLOPE**2) * 9 * channels_in)
    return kernel * math.sqrt(he / float(np.mean(kernel**2)))
