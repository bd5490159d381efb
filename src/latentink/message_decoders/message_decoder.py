"""The contract of message decoders and message encoders.

```
 picture (B, 3, H, W) in [0, 1] ──► MessageDecoder ──► logits (B, D, H, W)      bit = logit > 0
```
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

NEGATIVE_SLOPE = 0.01
"""Slope of every leaky ReLU on negative values: PyTorch's default, which SteganoGAN uses."""


class MessageDecoder(nn.Module, ABC):
    """A network that reads D bits at every place of a picture.

    The places are the pixels, or every ``stride``-th pixel of every ``stride``-th row.

    Attributes:
        name: What it is called in options and reports.
        data_depth: D, the number of logits at each place.
        stride: Distance in pixels between places, along rows and columns.
        halo: Receptive radius in pixels: the logit at (i, j) depends on the picture only within
            the square of side 2 · halo + 1 around (i, j).
    """

    name: str
    data_depth: int
    halo: int
    stride: int = 1

    def __init__(self, name: str, data_depth: int, halo: int) -> None:
        super().__init__()
        self.name = name
        self.data_depth = data_depth
        self.halo = halo

    @abstractmethod
    def forward(self, picture: Tensor) -> Tensor:
        """Return the logits of ``picture`` (B, 3, H, W) in [0, 1]; positive is bit 1.

        Their shape is (B, D, ⌊H / stride⌋, ⌊W / stride⌋).
        """

    def planes(self, picture: Tensor, count: int) -> Tensor:
        """Return the first ``count`` of the D planes of logits.

        A subclass may leave out the work of computing the others.
        """
        return self(picture)[:, :count]


class MessageEncoder(nn.Module, ABC):
    """A network that writes bits into a picture in one pass.

    Training needs one, and so do baselines and editing that start from its picture.

    Attributes:
        name: What it is called.
        data_depth: D, the number of bits at each pixel.
    """

    name: str
    data_depth: int

    def __init__(self, name: str, data_depth: int) -> None:
        super().__init__()
        self.name = name
        self.data_depth = data_depth

    @abstractmethod
    def forward(self, picture: Tensor, bits: Tensor) -> Tensor:
        """Return the stego (B, 3, H, W), close to [0, 1] but not clamped to it.

        Args:
            picture: The cover, (B, 3, H, W) in [0, 1].
            bits: (B, D, H, W) of 0 and 1; 0.5 marks a place that carries nothing.
        """


def signed(picture: Tensor) -> Tensor:
    """Map [0, 1] to the [-1, 1] that SteganoGAN's networks take."""
    return picture.mul(2).sub_(1)


def unsigned(picture: Tensor) -> Tensor:
    """Map [-1, 1] back to [0, 1]."""
    return picture.add(1).mul(0.5)


def convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    """Return a 3×3 convolution with zero padding 1, as in all of SteganoGAN's networks."""
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1)


def block(channels_in: int, channels_out: int) -> list[nn.Module]:
    """Return SteganoGAN's block in its order: convolution, leaky ReLU, batch normalisation."""
    return [
        convolution(channels_in, channels_out),
        nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True),
        nn.BatchNorm2d(channels_out),
    ]
