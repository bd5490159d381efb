"""XuNet: a small network that looks at one high-pass residual.

```
 grey levels ─► KV ─► 8 ─► |·| ─► BN ─► TanH ─► pool ─► 16 ─► BN ─► TanH ─► pool
                                                                          │
 2 ◄─ linear ◄─ global mean ◄─ 128 ◄─ … 1×1, BN, ReLU, pool … ◄─ 64 ◄─ 32 ◄──┘
```

Xu, Wu, Shi, "Structural Design of Convolutional Neural Networks for Steganalysis", IEEE Signal
Processing Letters 23(5), 2016, section II. The paper's pictures are grey and 512×512. Here the
network sees the luminance of colour pictures (ITU-R BT.601, 0 to 255, not rounded) of any size. The
picture is continued by reflection at the borders, where zeros would make an edge.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentink.frozen_networks import full_precision
from latentink.steganalysis.srm_kernels import SQUARE_5, grey_levels

_WEIGHT_DEVIATION = 0.01


class Absolute(nn.Module):
    """|x|, because the sign of a residual says nothing."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the absolute values of a tensor of any shape."""
        return values.abs()


class XuNet(nn.Module):
    """Five groups of layers behind a fixed high-pass filter; 14.9 k parameters."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        kernel = torch.from_numpy(SQUARE_5).float()[None, None]
        self.register_buffer("kernel", kernel, persistent=False)
        self.groups = nn.Sequential(
            _convolution(1, 8, 5),
            Absolute(),
            nn.BatchNorm2d(8),
            nn.Tanh(),
            _pool(),
            _convolution(8, 16, 5),
            nn.BatchNorm2d(16),
            nn.Tanh(),
            _pool(),
            *_group(16, 32),
            _pool(),
            *_group(32, 64),
            _pool(),
            *_group(64, 128),
            nn.AdaptiveAvgPool2d(1),
        )
        self.classifier = nn.Linear(128, 2)
        nn.init.xavier_uniform_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits (B, 2) of cover and stego.

        Args:
            pictures: (B, 3, H, W) in [0, 1], H and W at least 64.
        """
        logits: Tensor = self.classifier(self.groups(self.residual(pictures)).flatten(1))
        return logits

    def residual(self, pictures: Tensor) -> Tensor:
        """Return the KV residual (B, 1, H, W) in grey levels, float32 even under autocast."""
        with full_precision(pictures.device):
            padded = F.pad(grey_levels(pictures), [2] * 4, mode="reflect")
            return F.conv2d(padded, self.kernel)


def _group(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        _convolution(inputs, outputs, 1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def _convolution(inputs: int, outputs: int, side: int) -> nn.Conv2d:
    """Return a convolution without bias, which the batch norm after it would cancel."""
    layer = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=False)
    nn.init.normal_(layer.weight, std=_WEIGHT_DEVIATION)
    return layer


def _pool() -> nn.AvgPool2d:
    return nn.AvgPool2d(5, stride=2, padding=2)
