"""SiaStegNet: puts both halves of a picture through one network and compares the features.

```
          left  half ─► subnet ─► f_l ─┐                    mean, variance,
 picture ┤              (shared)       ├─► |f_l − f_r|,  ─►  minimum, maximum ─► linear ─► 2
          right half ─► subnet ─► f_r ─┘
```

You, Zhang, Zhao, "A Siamese CNN for Image Steganalysis", IEEE TIFS 16, 2021 (online 2020), section
III. A preprocessing layer, initialised with the SRM kernels, is followed by residual blocks (type A
keeps the size, type B halves it) and a mean over all positions. A camera's noise is alike in both
halves, but an embedder's changes are not. A contrastive loss on f_l and f_r is added to the
cross-entropy.

The paper's pictures are grey. Here the network sees the luminance of colour pictures (ITU-R BT.601,
0 to 255, not rounded). If the width is odd, the middle column is left out.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentink.frozen_networks import full_precision
from latentink.steganalysis.srm_kernels import COUNT, grey_levels, srm_kernels

MARGIN = 1.25
"""Distance at which the halves of a stego differ enough for the contrastive loss."""
_FEATURES = 128
_DROPOUT = 0.5
_LINEAR_DEVIATION = 0.01


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with a shortcut: type A has stride 1, type B stride 2."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        last = nn.BatchNorm2d(outputs)
        # At the start of training the block equals its shortcut.
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(
            _convolution(inputs, outputs, 3, stride),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            _convolution(outputs, outputs, 3),
            last,
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(
                _convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
            )

    def forward(self, values: Tensor) -> Tensor:
        """Return (B, outputs, ⌈H / stride⌉, ⌈W / stride⌉) of (B, inputs, H, W)."""
        return torch.relu(self.body(values) + self.shortcut(values))


class SiaStegNet(nn.Module):
    """The shared subnet and the classifier; 707 k parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, COUNT, 5, bias=False)
        self.first.load_state_dict({"weight": torch.from_numpy(srm_kernels())[:, None]})
        self.subnet = nn.Sequential(
            nn.BatchNorm2d(COUNT),
            nn.ReLU(inplace=True),
            ResidualBlock(COUNT, COUNT),
            ResidualBlock(COUNT, COUNT),
            ResidualBlock(COUNT, COUNT),
            ResidualBlock(COUNT, 64, stride=2),
            ResidualBlock(64, 64),
            ResidualBlock(64, _FEATURES, stride=2),
            ResidualBlock(_FEATURES, _FEATURES),
            nn.AdaptiveAvgPool2d(1),
        )
        self.dropout = nn.Dropout(_DROPOUT)
        self.classifier = nn.Linear(4 * _FEATURES + 1, 2)
        nn.init.normal_(self.classifier.weight, std=_LINEAR_DEVIATION)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits (B, 2) of cover and stego.

        Args:
            pictures: (B, 3, H, W) in [0, 1], H and W at least 64.
        """
        return self.classify(*self.halves(pictures))

    def halves(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features (B, 128) of the left and of the right half, float32."""
        levels = grey_levels(pictures)
        width = levels.shape[-1]
        both = torch.cat((levels[..., : width // 2], levels[..., width - width // 2 :]))
        with full_precision(pictures.device):
            residuals = self.first(both)
        left, right = self.subnet(residuals).flatten(1).float().chunk(2)
        return left, right

    def classify(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the logits (B, 2) from the features (B, 128) of both halves."""
        features = torch.stack((left, right))
        fused = torch.cat(
            (
                F.pairwise_distance(left, right, keepdim=True),
                features.mean(0),
                features.var(0),
                features.amin(0),
                features.amax(0),
            ),
            dim=1,
        )
        logits: Tensor = self.classifier(self.dropout(fused))
        return logits


def contrastive_loss(left: Tensor, right: Tensor, stego: Tensor, margin: float = MARGIN) -> Tensor:
    """Return the mean over the batch of d² for covers and max(margin − d, 0)² for stegos.

    d is the Euclidean distance of the halves' features: Hadsell, Chopra, LeCun (CVPR 2006), as the
    paper uses it.

    Args:
        left: features (B, F) of left halves.
        right: features (B, F) of right halves.
        stego: (B,) of 0 for covers and 1 for stegos.
        margin: see :data:`MARGIN`.
    """
    distance = F.pairwise_distance(left, right)
    apart = (margin - distance).clamp(min=0)
    return torch.where(stego > 0, apart.square(), distance.square()).mean()


def _convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
