"""A stand-in for learned codecs, through which a robust message decoder learns to read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from latentink.relaxations.eight_bits import round_to_8_bits


@dataclass(frozen=True)
class Distortion:
    """Blur, additive noise and 8-bit rounding, drawn anew for each picture.

    Learned codecs keep almost nothing of fine colour: a decoder trained without a blur of colour
    alone hides its bits exactly there.

    Attributes:
        blur: largest standard deviation of the blur, pixels.
        colour_blur: standard deviation of the blur of colour, which is what differs from the mean
            of red, green and blue, pixels; 0 treats it like grey.
        noise: largest standard deviation of the noise, grey levels of 255.
    """

    blur: float
    colour_blur: float
    noise: float

    def __call__(self, stego: Tensor, generator: Generator) -> Tensor:
        """Return what a codec might make of ``stego`` (B, 3, H, W) in [0, 1]; differentiable.

        One picture in four is not blurred, and one in four has no noise.
        """
        drawn = torch.rand(2, stego.shape[0], generator=generator)
        strengths = (drawn * 4 / 3 - 1 / 3).clamp_(min=0).to(stego.device)
        if self.colour_blur > 0:
            grey = stego.mean(1, keepdim=True)
            colour = blur(stego - grey, torch.full_like(strengths[0], self.colour_blur))
            blurred = blur(grey, self.blur * strengths[0]) + colour
        else:
            blurred = blur(stego, self.blur * strengths[0])
        deviations = self.noise / 255 * strengths[1]
        grain = torch.randn(stego.shape, generator=generator).to(stego.device)
        return round_to_8_bits(blurred + grain * deviations[:, None, None, None])


def blur(picture: Tensor, deviations: Tensor) -> Tensor:
    """Return ``picture`` (B, C, H, W) blurred by a Gaussian of ``deviations`` (B,) pixels each.

    A deviation of 0 leaves the crop as it is; the borders are continued by reflection, so three
    deviations must be fewer pixels than a side.
    """
    batch, channels, height, width = picture.shape
    radius = max(1, math.ceil(3 * float(deviations.max())))
    offsets = torch.arange(-radius, radius + 1, dtype=picture.dtype, device=picture.device)
    taps = torch.exp(-0.5 * (offsets / deviations.clamp(min=1e-3)[:, None]) ** 2)
    taps = (taps / taps.sum(1, keepdim=True)).repeat_interleave(channels, dim=0)
    flat = functional.pad(picture, [radius] * 4, mode="reflect").flatten(0, 1)[None]
    flat = functional.conv2d(flat, taps[:, None, :, None], groups=batch * channels)
    flat = functional.conv2d(flat, taps[:, None, None, :], groups=batch * channels)
    return flat.reshape(batch, channels, height, width)
