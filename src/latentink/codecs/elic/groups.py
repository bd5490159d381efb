"""How ELIC cuts its symbols up: groups of channels, and a checkerboard in each."""

from __future__ import annotations

import numpy as np

_SMALL_GROUPS = (16, 16, 32, 64)
LEAST_LATENT_CHANNELS = sum(_SMALL_GROUPS) + 1


def anchor_places(height: int, width: int) -> np.ndarray:
    """Return the (height, width) mask of the anchors, which are where row + column is even.

    Example:
        >>> anchor_places(2, 3)
        array([[ True, False,  True],
               [False,  True, False]])
    """
    return np.add.outer(np.arange(height), np.arange(width)) % 2 == 0


def elic_groups(latent_channels: int) -> tuple[int, ...]:
    """Return the channels of ELIC's five groups (He et al. 2022, section 3.2).

    Example:
        >>> elic_groups(320)
        (16, 16, 32, 64, 192)
    """
    return (*_SMALL_GROUPS, latent_channels - sum(_SMALL_GROUPS))
