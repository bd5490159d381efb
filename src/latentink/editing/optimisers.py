"""How a gradient moves the latent: Adam, or L-BFGS with a line search."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.optim.adam import adam

_BETAS = (0.9, 0.99)
_EPSILON = 1e-8


def cosine_rate(first: float, last: float, share: float) -> float:
    """Return the learning rate after ``share`` of a schedule, on a cosine from first to last."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))


class Optimiser(Protocol):
    """What the editor's schedules drive.

    Attributes:
        learning_rate: of the next step.
    """

    learning_rate: float

    def step(self, closure: Callable[[], Tensor]) -> None:
        """Move the latent once; ``closure`` leaves the gradient in it and returns L (scalar)."""


class Adam:
    """Kingma and Ba 2015, the paper's choice (section 4.1); one evaluation of L a step.

    PyTorch's function and not its class, whose constructor loads PyTorch's compiler: a second.
    """

    def __init__(self, latent: Tensor, learning_rate: float) -> None:
        self.latent, self.learning_rate = latent, learning_rate
        self.mean, self.square = torch.zeros_like(latent), torch.zeros_like(latent)
        self.count = torch.zeros(())

    def step(self, closure: Callable[[], Tensor]) -> None:
        """Move the latent once."""
        closure()
        gradient = self.latent.grad
        assert gradient is not None
        with torch.no_grad():
            adam(
                [self.latent],
                [gradient],
                [self.mean],
                [self.square],
                [],
                [self.count],
                amsgrad=False,
                beta1=_BETAS[0],
                beta2=_BETAS[1],
                lr=self.learning_rate,
                weight_decay=0.0,
                eps=_EPSILON,
                maximize=False,
            )


class Lbfgs:
    """Liu and Nocedal 1989 with PyTorch's strong Wolfe line search: several evaluations a step."""

    def __init__(self, latent: Tensor, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._optimiser = torch.optim.LBFGS([latent], max_iter=1, line_search_fn="strong_wolfe")

    def step(self, closure: Callable[[], Tensor]) -> None:
        """Move the latent once."""
        self._optimiser.param_groups[0]["lr"] = self.learning_rate
        self._optimiser.step(closure)


OPTIMISERS: dict[str, Callable[[Tensor, float], Optimiser]] = {"adam": Adam, "lbfgs": Lbfgs}
