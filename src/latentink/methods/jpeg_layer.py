"""JPEG as a layer that gradients pass through.

The differentiable JPEG is kornia's: Reich, Debnath, Patel, Chakraborty, "Differentiable JPEG: The
Devil is in the Details", WACV 2024. Kornia always subsamples colour; for 4:4:4 each plane goes
through it as the luminance of a grey picture, with the plane's own quantisation table.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latentink.errors import OptionError
from latentink.methods.saving import Jpeg

# Table K.2 of ITU-T T.81; kornia has table K.1, for luminance, built in.
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
)


def soft_jpeg(picture: Tensor, saving: Jpeg) -> Tensor:
    """Return ``picture`` (B, 3, H, W) after a JPEG whose rounding is smooth, in [0, 1].

    Args:
        picture: any values; outside [0, 1] the gradient leads back into it.
        saving: the quality, and a subsampling of ``"4:4:4"`` or ``"4:2:0"``.

    Raises:
        OptionError: the subsampling is another one.
    """
    from kornia.color import rgb_to_ycbcr, ycbcr_to_rgb
    from kornia.enhance import jpeg_codec_differentiable

    quality = torch.full((picture.shape[0],), float(saving.quality), device=picture.device)
    if saving.subsampling == "4:2:0":
        result: Tensor = jpeg_codec_differentiable(picture, quality)
        return result
    if saving.subsampling != "4:4:4":
        raise OptionError(
            f"There is no differentiable JPEG with colour at {saving.subsampling}; "
            "choose 4:4:4 or 4:2:0."
        )
    chrominance = picture.new_tensor(_CHROMINANCE)
    planes = []
    for plane, table in zip(
        rgb_to_ycbcr(picture).split(1, dim=1), (None, chrominance, chrominance), strict=True
    ):
        grey = jpeg_codec_differentiable(plane.expand(-1, 3, -1, -1), quality, table)
        planes.append(grey.mean(1, keepdim=True))
    rgb: Tensor = ycbcr_to_rgb(torch.cat(planes, dim=1))
    return rgb


def jpeg_straight_through(picture: Tensor, saving: Jpeg) -> Tensor:
    """Return ``picture`` (B, 3, H, W) after Pillow's JPEG; the gradient passes unchanged.

    As in LISO (Chen et al. 2023, section 3.4) the forward pass is the real codec and the backward
    pass the identity.
    """
    return picture + (_saved(picture, saving) - picture).detach()


def _saved(picture: Tensor, saving: Jpeg) -> Tensor:
    arrays = picture.detach().permute(0, 2, 3, 1).cpu().numpy()
    decoded = [saving.decode(saving.encode(array)) for array in arrays]
    return torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).to(picture)
