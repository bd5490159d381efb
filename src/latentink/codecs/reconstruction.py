"""What a codec makes of pictures without a file: fast for batches, and exactly the receiver's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentink.codecs.codec import Codec
from latentink.geometry import Rectangle
from latentink.relaxations.eight_bits import round_to_8_bits


@torch.no_grad()
def reconstruct(
    codec: Codec, picture: Tensor, quality_codes: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Return latents (B, M, h, w) as g_s sees them, and reconstructions (B, 3, H, W) in 8 bits.

    Everything runs on the whole batch at once, the transforms in bfloat16 and the context model in
    float32, so a few symbols are a neighbour's; :func:`receive` has what the receiver gets.

    Args:
        codec: any.
        picture: (B, 3, H, W) in [0, 1], sides multiples of 16.
        quality_codes: quality of each picture, in units of ``QUALITY_UNIT``.
    """
    gains = torch.cat([codec.gain(code) for code in quality_codes])
    inverse_gains = torch.cat([codec.inverse_gain(code) for code in quality_codes])
    picture = picture.contiguous(memory_format=torch.channels_last)
    with torch.autocast(picture.device.type, dtype=torch.bfloat16):
        v = codec.g_a(picture).float() * gains
    latent = _rounded(codec, v.contiguous()) * inverse_gains
    with torch.autocast(picture.device.type, dtype=torch.bfloat16):
        made = codec.g_s(latent.contiguous(memory_format=torch.channels_last))
    return latent, round_to_8_bits(made.float())


@torch.no_grad()
def receive(codec: Codec, picture: Tensor, quality_code: int) -> tuple[Tensor, Tensor]:
    """Return latent (1, M, h, w) as g_s sees it, and the receiver's picture (1, 3, H, W), 8 bits.

    Args:
        codec: any.
        picture: (1, 3, H, W) in [0, 1], any size.
        quality_code: quality in units of ``QUALITY_UNIT``.
    """
    v = codec.analyse(picture, quality_code)
    values = codec.quantise(v, codec.hyper_analyse(v), quality_code).values
    made = codec.synthesise(values, quality_code, (picture.shape[-2], picture.shape[-1]))
    return torch.from_numpy(values)[None] * codec.inverse_gain(quality_code), round_to_8_bits(made)


def _rounded(codec: Codec, v: Tensor) -> Tensor:
    """Return v̂ (B, M, h, w) of a batch ``v``, nearly as :meth:`~.codec.Codec.quantise` makes it."""
    height, width = v.shape[-2:]
    rows = v.split(1)
    sides = (codec.entropy.side(codec.hyper_analyse(row), (height, width)) for row in rows)
    side = torch.cat([codec.conditions(own) for own in sides])
    whole = Rectangle(0, 0, height, width)
    return codec.relax(v, side, whole, torch.round, torch.round).values
