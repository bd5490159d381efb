"""SteganoGAN's dense message decoder and encoder: every block sees the output of all earlier ones.

Zhang, Cuesta-Infante, Xu, Veeramachaneni, "SteganoGAN: High Capacity Image Steganography with
GANs", 2019, section 3.2 (c) and 3.3. FNNS (Kishore, Chen, Wang, Li, Weinberger, ICLR 2022)
optimises a picture against this decoder.
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


class DenseDecoder(MessageDecoder):
    """SteganoGAN's dense decoder: three blocks with dense connections and a last convolution.

    ```
     x ──► conv1 ──► a ──► conv2 ──► b ──► conv3 ──► c ──► conv4 ──► logits
                     ├───────────────┴──────► ▲            ▲
                     └──────────────────(a, b)─────────────┘
    ```
    """

    def __init__(self, data_depth: int = 1, hidden: int = 32) -> None:
        super().__init__("dense", data_depth, halo=4)
        self.hidden = hidden
        self.conv1 = nn.Sequential(*block(3, hidden))
        self.conv2 = nn.Sequential(*block(hidden, hidden))
        self.conv3 = nn.Sequential(*block(2 * hidden, hidden))
        self.conv4 = nn.Sequential(convolution(3 * hidden, data_depth))

    def forward(self, picture: Tensor) -> Tensor:
        """Return the logits (B, D, H, W) of ``picture`` (B, 3, H, W) in [0, 1]."""
        a = self.conv1(signed(picture))
        b = self.conv2(a)
        c = self.conv3(torch.cat((a, b), dim=1))
        logits: Tensor = self.conv4(torch.cat((a, b, c), dim=1))
        return logits


class DenseEncoder(MessageEncoder):
    """SteganoGAN's dense encoder: the bits enter every block but the first.

    Its output is added to the cover.
    """

    def __init__(self, data_depth: int = 1, hidden: int = 32) -> None:
        super().__init__("dense", data_depth)
        self.hidden = hidden
        self.conv1 = nn.Sequential(*block(3, hidden))
        self.conv2 = nn.Sequential(*block(hidden + data_depth, hidden))
        self.conv3 = nn.Sequential(*block(2 * hidden + data_depth, hidden))
        self.conv4 = nn.Sequential(convolution(3 * hidden + data_depth, 3))

    def forward(self, picture: Tensor, bits: Tensor) -> Tensor:
        """Return the stego of ``picture`` (B, 3, H, W) in [0, 1] and ``bits`` (B, D, H, W)."""
        cover = signed(picture)
        a = self.conv1(cover)
        b = self.conv2(torch.cat((a, bits), dim=1))
        c = self.conv3(torch.cat((a, b, bits), dim=1))
        change = self.conv4(torch.cat((a, b, c, bits), dim=1))
        return unsigned(cover + change)
