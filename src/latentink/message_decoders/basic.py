"""SteganoGAN's basic message decoder, and its basic and residual message encoders.

Zhang et al., "SteganoGAN", 2019, section 3.2 (a) and (b), and 3.3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentink.message_decoders.message_decoder import (
    MessageDecoder,
    MessageEncoder,
    block,
    convolution,
    signed,
    unsigned,
)


class BasicDecoder(MessageDecoder):
    """SteganoGAN's basic decoder: three blocks and a last convolution, one after the other."""

    def __init__(self, data_depth: int = 1, hidden: int = 32) -> None:
        super().__init__("basic", data_depth, halo=4)
        self.hidden = hidden
        self.layers = nn.Sequential(
            *block(3, hidden),
            *block(hidden, hidden),
            *block(hidden, hidden),
            convolution(hidden, data_depth),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """Return the logits (B, D, H, W) of ``picture`` (B, 3, H, W) in [0, 1]."""
        logits: Tensor = self.layers(signed(picture))
        return logits


class BasicEncoder(MessageEncoder):
    """SteganoGAN's basic or residual encoder: a chain of blocks over cover features and bits.

    With ``residual`` the output of the chain is added to the cover. Otherwise the chain ends in a
    tanh and is the whole picture.
    """

    def __init__(self, data_depth: int = 1, hidden: int = 32, residual: bool = False) -> None:
        super().__init__("residual" if residual else "basic", data_depth)
        self.hidden = hidden
        self.residual = residual
        self.features = nn.Sequential(*block(3, hidden))
        self.layers = nn.Sequential(
            *block(hidden + data_depth, hidden),
            *block(hidden, hidden),
            convolution(hidden, 3),
        )

    def forward(self, picture: Tensor, bits: Tensor) -> Tensor:
        """Return the stego of ``picture`` (B, 3, H, W) in [0, 1] and ``bits`` (B, D, H, W)."""
        cover = signed(picture)
        painted = self.layers(torch.cat((self.features(cover), bits), dim=1))
        return unsigned(cover + painted if self.residual else torch.tanh(painted))
