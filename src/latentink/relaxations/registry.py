"""The relaxations of rounding that a preset can name, a line each.

>>> relax = RELAXATIONS["straight_through"](0.5, torch.Generator())
>>> relax(torch.tensor([0.4, 1.6]))
tensor([0., 2.])
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from latentink.relaxations.additive_noise import additive_noise
from latentink.relaxations.gumbel_annealing import gumbel_annealing
from latentink.relaxations.soft_rounding import soft_rounding
from latentink.relaxations.straight_through import straight_through

Relaxation = Callable[[Tensor], Tensor]
"""Maps real symbols to real symbols of the same shape, differentiably."""

RELAXATIONS: dict[str, Callable[[float, torch.Generator], Relaxation]] = {
    "additive_noise": lambda temperature, noise: partial(additive_noise, generator=noise),
    "straight_through": lambda temperature, noise: straight_through,
    "soft_rounding": lambda temperature, noise: partial(soft_rounding, temperature=temperature),
    "gumbel_annealing": lambda temperature, noise: partial(
        gumbel_annealing, temperature=temperature, generator=noise
    ),
}
"""Name → (temperature > 0, generator of the noise) → relaxation.

The editor lowers the temperature as its schedule goes on (editing/editor.py), so that a relaxation
that has one comes close to rounding.
"""
