"""The 30 linear high-pass kernels of the spatial rich model, and the grey levels they act on.

Fridrich, Kodovský, "Rich Models for Steganalysis of Digital Images", IEEE TIFS 7(3), 2012, section
II-A and figure 1: differences of the first, second and third order in each direction, and the
residuals EDGE and SQUARE of 3×3 and 5×5. Ye, Ni, Yi (IEEE TIFS 12(11), 2017) and You, Zhang, Zhao
(IEEE TIFS 16, 2021) initialise their first layers with them, as 5×5 kernels.

Each kernel is divided by its residual's order c, which is the model's normalisation at quantisation
step 1. The pixel that a kernel of the first, second or third order predicts then has weight ±1.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

COUNT = 30
_SIDE = 5
_CENTRE = _SIDE // 2
# Steps along rows and columns, at angles of 0°, 45°, …, 315°.
_DIRECTIONS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))

SQUARE_3 = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4
"""SQUARE 3×3, the kernel of Ker and Böhme (2008), c = 4."""

SQUARE_5 = (
    np.array(
        [
            [-1, 2, -2, 2, -1],
            [2, -6, 8, -6, 2],
            [-2, 8, -12, 8, -2],
            [2, -6, 8, -6, 2],
            [-1, 2, -2, 2, -1],
        ]
    )
    / 12
)
"""SQUARE 5×5, c = 12: Kodovský's kernel "KV", which XuNet uses too."""

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luminance, ITU-R BT.601."""


def srm_kernels() -> np.ndarray:
    """Return the kernels (30, 5, 5) float32; each sums to 0.

    Order: 8 of the first order, 4 of the second, 8 of the third, 4 EDGE 3×3, SQUARE 3×3, 4 EDGE
    5×5, SQUARE 5×5.
    """
    first = [_along(direction, {0: -1, 1: 1}) for direction in _DIRECTIONS]
    second = [_along(direction, {-1: 1, 0: -2, 1: 1}) / 2 for direction in _DIRECTIONS[:4]]
    third = [_along(direction, {-1: 1, 0: -3, 1: 3, 2: -1}) / 3 for direction in _DIRECTIONS]
    edge_3 = _rotations(_edge(np.pad(SQUARE_3, 1)))
    edge_5 = _rotations(_edge(SQUARE_5))
    kernels = [*first, *second, *third, *edge_3, np.pad(SQUARE_3, 1), *edge_5, SQUARE_5]
    return np.stack(kernels).astype(np.float32)


def grey_levels(pictures: Tensor) -> Tensor:
    """Return the luminance (B, 1, H, W) of colour pictures, BT.601, 0 to 255, not rounded.

    It is float32 even under autocast, because bfloat16 cannot represent a change of one grey level.

    Args:
        pictures: (B, 3, H, W) in [0, 1].
    """
    shares = torch.tensor(LUMINANCE, device=pictures.device).view(1, 3, 1, 1)
    return (pictures.float() * (255 * shares)).sum(1, keepdim=True)


def _along(direction: tuple[int, int], weights: dict[int, int]) -> np.ndarray:
    """Return a kernel with the weight ``weights[n]`` at n steps from the centre."""
    kernel = np.zeros((_SIDE, _SIDE))
    for steps, weight in weights.items():
        kernel[_CENTRE + steps * direction[0], _CENTRE + steps * direction[1]] = weight
    return kernel


def _edge(square: np.ndarray) -> np.ndarray:
    """Return the half of a SQUARE kernel at and above its centre."""
    edge = square.copy()
    edge[_CENTRE + 1 :] = 0
    return edge


def _rotations(kernel: np.ndarray) -> list[np.ndarray]:
    return [np.rot90(kernel, turns) for turns in range(4)]
