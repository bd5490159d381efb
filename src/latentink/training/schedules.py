"""Learning rates over a run, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """A linear rise to 1, a plateau, and a fall to 0.

    Attributes:
        steps: of the whole run.
        rise: steps of the rise.
        fall: steps of the fall.
        curve: of the fall.
    """

    steps: int
    rise: int
    fall: int
    curve: Literal["linear", "cosine"]

    @property
    def plateau_end(self) -> int:
        """The step at which the fall begins."""
        return self.steps - self.fall

    def factor(self, step: int) -> float:
        """Return the factor on the learning rate at ``step``, counted from 0."""
        if step < self.rise:
            return (step + 1) / self.rise
        into = step - self.plateau_end
        if into <= 0:
            return 1.0
        if self.curve == "linear":
            return 1 - into / self.fall
        return 0.5 * (1 + math.cos(math.pi * into / self.fall))
