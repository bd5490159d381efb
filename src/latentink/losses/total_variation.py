"""L_tv of Eq. 1: how much neighbouring pixels differ (Eq. 4)."""

from __future__ import annotations

from torch import Tensor

from latentink.losses.distortion import PEAK

# Grey levels; far below one step of the 8-bit picture, and what makes length 0 differentiable.
_SMOOTHING = 0.01


def total_variation(picture: Tensor, exponent: float) -> Tensor:
    """Return L_tv = Σ (dx² + dy²)^(β/2) over positions and colours (scalar ≥ 0).

    Mahendran and Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015,
    with dx = x[i, j+1] − x[i, j] and dy = x[i+1, j] − x[i, j] in grey levels (0 to 255).
    Eq. 4 as printed subtracts the two squares, negative on horizontal edges; they are added.

    Σ goes over the (H−1)·(W−1) positions that have both neighbours. β = 1 gives grey levels, β = 2
    squared ones. With s = 0.01 grey levels it is (dx² + dy² + s²)^(β/2) − s^β that is summed: at
    s = 0 and β < 2 there is no gradient where the picture is flat.

    Args:
        picture: (..., H, W) in [0, 1].
        exponent: β > 0.
    """
    grey = PEAK * picture
    corner = grey[..., :-1, :-1]
    across, down = grey[..., :-1, 1:] - corner, grey[..., 1:, :-1] - corner
    squares = across.square() + down.square()
    smoothed = (squares + _SMOOTHING**2).pow(exponent / 2) - _SMOOTHING**exponent
    return smoothed.sum()
