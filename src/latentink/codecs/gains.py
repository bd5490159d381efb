"""Gain vectors: one set of weights for all qualities.

Cui et al. 2021, "Asymmetric Gained Deep Image Compression With Continuous Rate Adaptation". Symbols
are roundings of g·y, and the picture is made of g'·v̂. Both g and g' are learned for whole
qualities; between two of these their logarithms are interpolated. The gains act on the two
transforms only: the entropy model sees g·y, so that the parameters of the entropy coder do not
depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

# λ of the qualities 1 to 8: bits per pixel per squared grey level (CompressAI's MSE models).
LAGRANGIANS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)


def lagrangian(quality: float) -> float:
    """Return λ1 of Eq. 1 for a quality from 1 to 8.

    Between whole qualities it is interpolated geometrically.

    Example:
        >>> round(lagrangian(5), 4), round(lagrangian(5.5), 4)
        (0.025, 0.0347)
    """
    return float(np.exp(np.interp(quality - 1, range(8), np.log(LAGRANGIANS))))


def interpolate(rows: Tensor, qualities: Sequence[float], quality: Tensor) -> Tensor:
    """Return rows interpolated linearly at other qualities.

    Args:
        rows: (Q, M), a row for each of ``qualities``.
        qualities: Q ascending numbers.
        quality: (B,); outside of the range of ``qualities`` the nearest row is taken.

    Returns:
        (B, M).
    """
    if len(qualities) == 1:
        return rows.expand(len(quality), -1)
    knots = torch.tensor(qualities, dtype=rows.dtype, device=rows.device)
    place = quality.to(rows.dtype).clamp(knots[0], knots[-1])
    upper = torch.bucketize(place, knots).clamp(1, len(knots) - 1)
    share = (place - knots[upper - 1]) / (knots[upper] - knots[upper - 1])
    return torch.lerp(rows[upper - 1], rows[upper], share[:, None])


def extend_rows(rows: Tensor, qualities: Sequence[float], wanted: Sequence[float]) -> Tensor:
    """Return rows interpolated at other qualities, and extrapolated outside of their range.

    Args:
        rows: (Q, M), a row for each of ``qualities``.
        qualities: Q ascending numbers.
        wanted: W numbers; outside of the range of ``qualities`` the nearest slope goes on.

    Returns:
        (W, M).
    """
    if len(qualities) == 1:
        return rows.expand(len(wanted), -1).clone()
    knots = torch.tensor(qualities, dtype=rows.dtype)
    place = torch.tensor(wanted, dtype=rows.dtype)
    upper = torch.bucketize(place, knots).clamp(1, len(knots) - 1)
    share = (place - knots[upper - 1]) / (knots[upper] - knots[upper - 1])
    return torch.lerp(rows[upper - 1], rows[upper], share[:, None])


class Gains(nn.Module):
    """The learned gain vectors of a codec.

    Attributes:
        qualities: Those with gain vectors of their own, Q ascending numbers.
        log_gain: (Q, M), ln g.
        log_correction: (Q, M), ln(g·g'); 0 where g' undoes g.
    """

    def __init__(self, qualities: Sequence[float], latent_channels: int) -> None:
        """Start from g in proportion to √λ, the step sizes of high-rate theory, and g' = 1/g."""
        super().__init__()
        self.qualities = tuple(qualities)
        steps = torch.tensor([0.5 * np.log(lagrangian(q) / lagrangian(5)) for q in qualities])
        self.log_gain = nn.Parameter(steps.float()[:, None].repeat(1, latent_channels))
        self.log_correction = nn.Parameter(torch.zeros(len(self.qualities), latent_channels))

    def forward(self, quality: Tensor) -> tuple[Tensor, Tensor]:
        """Return g and g', each (B, M, 1, 1), for ``quality`` (B,)."""
        log_gain = interpolate(self.log_gain, self.qualities, quality)
        correction = interpolate(self.log_correction, self.qualities, quality)
        gain, inverse = log_gain.exp(), (correction - log_gain).exp()
        return gain[..., None, None], inverse[..., None, None]
