"""Gain vectors: one set of weights for every quality.

Cui et al. 2021, "Asymmetric Gained Deep Image Compression With Continuous Rate Adaptation". Symbols
are roundings of g·y, and the picture is made from ŷ·g'. Both g and g' are learned for each whole
quality; between two of them the logarithms are interpolated, which gives every quality. The gains
act on the two transforms alone: the entropy model sees g·y and needs no gain, so that nothing that
drives the entropy coder depends on them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

# λ of the qualities 1 to 8: bits per pixel per squared grey level (CompressAI's MSE models).
LAGRANGIANS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)


def lagrangian(quality: float) -> float:
    """Return λ of a quality from 1 to 8, interpolated geometrically between whole ones."""
    return float(np.exp(np.interp(quality - 1, range(8), np.log(LAGRANGIANS))))


def interpolate(rows: Tensor, qualities: Sequence[float], quality: Tensor) -> Tensor:
    """Return ``rows`` (Q, M) interpolated linearly at ``quality`` (B,), as (B, M).

    Args:
        rows: values at ``qualities``.
        qualities: Q ascending numbers.
        quality: where to; outside of ``qualities`` the nearest row counts.
    """
    if len(qualities) == 1:
        return rows.expand(len(quality), -1)
    knots = torch.tensor(qualities, dtype=rows.dtype, device=rows.device)
    place = quality.to(rows.dtype).clamp(knots[0], knots[-1])
    upper = torch.bucketize(place, knots).clamp(1, len(knots) - 1)
    share = (place - knots[upper - 1]) / (knots[upper] - knots[upper - 1])
    return torch.lerp(rows[upper - 1], rows[upper], share[:, None])


def extend_rows(rows: Tensor, qualities: Sequence[float], wanted: Sequence[float]) -> Tensor:
    """Return ``rows`` (Q, M) at other qualities (W, M); beyond the ends the last slope goes on."""
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
        qualities: the Q qualities with a row of their own, ascending.
        log_gain: (Q, M), ln g.
        log_correction: (Q, M), ln(g·g'): how far g' is from undoing g.
    """

    def __init__(self, qualities: Sequence[float], latent_channels: int) -> None:
        """Start at the step sizes that high-rate theory gives: g grows with √λ."""
        super().__init__()
        self.qualities = tuple(qualities)
        steps = torch.tensor([0.5 * np.log(lagrangian(q) / lagrangian(5)) for q in qualities])
        self.log_gain = nn.Parameter(steps.float()[:, None].repeat(1, latent_channels))
        self.log_correction = nn.Parameter(torch.zeros(len(self.qualities), latent_channels))

    def forward(self, quality: Tensor) -> tuple[Tensor, Tensor]:
        """Return g and g' (B, M, 1, 1) of ``quality`` (B,)."""
        log_gain = interpolate(self.log_gain, self.qualities, quality)
        correction = interpolate(self.log_correction, self.qualities, quality)
        gain, inverse = log_gain.exp(), (correction - log_gain).exp()
        return gain[..., None, None], inverse[..., None, None]
