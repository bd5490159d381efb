"""L_tv of Eq. 1: how much neighbouring pixels differ (Eq. 4)."""

from __future__ import annotations

from torch import Tensor

from latentink.losses.distortion import PEAK

# Grey levels; it makes a length of 0 differentiable and is far below a step of 8-bit pictures.
_SMOOTHING = 0.01


def total_variation(picture: Tensor, exponent: float) -> Tensor:
    """Return L_tv = Σ (dx² + dy²)^(β/2) over positions and colours (scalar ≥ 0).

    Mahendran and Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015,
    with dx = x[i, j+1] − x[i, j] and dy = x[i+1, j] − x[i, j] in grey levels (0 to 255).
    Eq. 4 as printed subtracts the two squares, which would be negative on horizontal edges; here
    they are added.

    The sum goes over the (H−1)·(W−1) positions that have both neighbours. β = 1 gives grey levels,
    β = 2 squared grey levels. Each summand is in fact (dx² + dy² + s²)^(β/2) − s^β with s = 0.01
    grey levels: at s = 0 and β < 2 it has no gradient where the picture is flat.

    Args:
        picture: (..., H, W) in [0, 1].
        exponent: β > 0.

    Example:
        >>> import torch
        >>> corner = torch.tensor([[10.0, 13.0], [14.0, 0.0]]) / 255  # 3 across, 4 down
        >>> round(float(total_variation(corner, exponent=1)), 1)
        5.0
    """
    grey = PEAK * picture
    corner = grey[..., :-1, :-1]
    across, down = grey[..., :-1, 1:] - corner, grey[..., 1:, :-1] - corner
    squares = across.square() + down.square()
    smoothed = (squares + _SMOOTHING**2).pow(exponent / 2) - _SMOOTHING**exponent
    return smoothed.sum()
