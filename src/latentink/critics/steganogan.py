"""SteganoGAN's critic: how much pictures look like stegos (Zhang et al. 2019, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

HIDDEN = 32
BOUND = 0.1


class SteganoGanCritic(nn.Module):
    """Four convolutions and a mean.

    The Wasserstein distance needs its weights bounded, here as there by clipping to ±0.1.
    """

    def __init__(self, hidden: int = HIDDEN) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (3, hidden, hidden):
            layers += [nn.Conv2d(channels, hidden, 3, padding=1), nn.LeakyReLU(inplace=True)]
            layers.append(nn.BatchNorm2d(hidden))
        self.layers = nn.Sequential(*layers, nn.Conv2d(hidden, 1, 3, padding=1))

    def forward(self, picture: Tensor) -> Tensor:
        """Return one score for the pictures (B, 3, H, W) in [0, 1] together."""
        score: Tensor = self.layers(2 * picture - 1).mean()
        return score

    def clip(self) -> None:
        """Bound the weights."""
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.clamp_(-BOUND, BOUND)
