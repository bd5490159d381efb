"""YeNet: a network whose first layer starts as the rich model's kernels and is trained further.

```
 grey levels ─► 30 SRM kernels ─► TLU ─► 30 ─► 30 ─► 30 ─► pool ─► 32 ─► pool ─► 32 ─► pool
                                                                                      │
                        2 ◄─ linear ◄─ 3×3 of 16 ◄─ 16 (stride 3) ◄─ 16 ◄─ pool ◄─ 32 ◄─┘
```

Ye, Ni, Yi, "Deep Learning Hierarchical Representations for Image Steganalysis", IEEE TIFS 12(11),
2017, section III, without the selection channel. The paper's pictures are grey and 256×256. Here
the network sees the luminance of colour pictures (ITU-R BT.601, 0 to 255, not rounded).

So that pictures of any size from 64×64 can be used, two things differ from the paper: all layers
after the first, pooling included, pad by half a kernel, and the output of the ninth convolution is
averaged to the 3×3 positions that the linear layer takes in the paper.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentink.frozen_networks import full_precision
from latentink.steganalysis.srm_kernels import COUNT, grey_levels, srm_kernels

TRUNCATION = 3.0
"""T of the truncated linear unit, from the paper."""
_BIAS = 0.2
_GRID = 3


class TruncatedLinear(nn.Module):
    """The truncated linear unit of section III, which clips x to ±T."""

    def __init__(self, truncation: float = TRUNCATION) -> None:
        super().__init__()
        self.truncation = truncation

    def forward(self, values: Tensor) -> Tensor:
        """Return the clipped values of a tensor of any shape."""
        return values.clamp(-self.truncation, self.truncation)


class YeNet(nn.Module):
    """Nine convolutions, the first initialised with the SRM kernels; 108 k parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, COUNT, 5)
        self.first.load_state_dict(
            {"weight": torch.from_numpy(srm_kernels())[:, None], "bias": torch.zeros(COUNT)}
        )
        self.truncated = TruncatedLinear()
        self.layers = nn.Sequential(
            *_layer(COUNT, 30, 3),
            *_layer(30, 30, 3),
            *_layer(30, 30, 3),
            nn.AvgPool2d(2),
            *_layer(30, 32, 5),
            _pool(),
            *_layer(32, 32, 5),
            _pool(),
            *_layer(32, 32, 5),
            _pool(),
            *_layer(32, 16, 3),
            *_layer(16, 16, 3, stride=3),
            nn.AdaptiveAvgPool2d(_GRID),
        )
        self.classifier = nn.Linear(16 * _GRID**2, 2)
        nn.init.xavier_uniform_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits (B, 2) of cover and stego.

        Args:
            pictures: (B, 3, H, W) in [0, 1], H and W at least 64.
        """
        with full_precision(pictures.device):
            residuals = self.truncated(self.first(grey_levels(pictures)))
        logits: Tensor = self.classifier(self.layers(residuals).flatten(1))
        return logits


def _layer(inputs: int, outputs: int, side: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2)
    for name, parameter in convolution.named_parameters():
        if name == "weight":
            nn.init.xavier_uniform_(parameter)
        else:
            nn.init.constant_(parameter, _BIAS)
    return [convolution, nn.ReLU(inplace=True)]


def _pool() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
