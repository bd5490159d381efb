"""Keyed projections: each bit is spread over coefficients all over the picture.

A projection is the sum of L coefficients with keyed signs, divided by √L. Which coefficients belong
together follows from the key and the grid alone; no coefficient belongs to two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentink.channels.robust.grid import Grid
from latentink.payload.keys import Keys


@dataclass(frozen=True)
class Projections:
    """Coefficients that are summed.

    Attributes:
        place: (n, L) int64, indices of coefficients.
        sign: (n, L) float32, 1 or −1.
    """

    place: np.ndarray
    sign: np.ndarray

    def __len__(self) -> int:
        """Return the number of projections."""
        return len(self.place)

    def of(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the projections, (n,) float32, of coefficients."""
        total = (coefficients[self.place] * self.sign).sum(axis=1)
        return (total / np.float32(np.sqrt(self.place.shape[1]))).astype(np.float32)

    def spread(self, move: np.ndarray, tolerance: np.ndarray, change: np.ndarray) -> None:
        """Write the change of coefficients that moves the projections into ``change``.

        Of all changes with the wanted move this is the least one, if a change of a coefficient is
        weighed by the inverse of its tolerance.

        Args:
            move: (n,) float32, of each projection.
            tolerance: of each coefficient: what texture around it hides, of any scale.
            change: of each coefficient; those of these projections are overwritten.
        """
        share = tolerance[self.place]
        scale = move * np.float32(np.sqrt(self.place.shape[1])) / share.sum(axis=1)
        change[self.place] = self.sign * share * scale[:, None]


def keyed_projections(keys: Keys, grid: Grid, counts: list[tuple[int, int]]) -> list[Projections]:
    """Return sets of projections that share no coefficient.

    Args:
        keys: of the password.
        grid: of the coefficients.
        counts: for each set the number of its projections, and of the coefficients of each.

    Raises:
        ValueError: the grid has fewer coefficients than asked for.
    """
    if sum(n * length for n, length in counts) > grid.coefficients:
        raise ValueError("the grid has too few coefficients")
    purpose = f"robust/places/{grid.rows}x{grid.columns}"
    order = keys.stream(purpose).permutation(grid.coefficients)
    signs = keys.stream(purpose.replace("places", "signs")).bits(grid.coefficients)
    sets, start = [], 0
    for n, length in counts:
        part = order[start : start + n * length].reshape(n, length)
        sets.append(Projections(part, np.float32(1) - 2 * signs[part].astype(np.float32)))
        start += n * length
    return sets
