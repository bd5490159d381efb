"""How a gradient moves the latent: Adam, or L-BFGS with a line search."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.optim.adam import adam

_BETAS = (0.9, 0.99)
_EPSILON = 1e-8
# Of a step of L-BFGS: one at its start, 25 of the line search.
_MOST_EVALUATIONS = 26


def cosine_rate(first: float, last: float, share: float) -> float:
    """Return the learning rate after ``share`` of a schedule, on a cosine from first to last.

    Example:
        >>> [round(cosine_rate(1.0, 0.0, share), 2) for share in (0, 0.5, 1)]
        [1.0, 0.5, 0.0]
    """
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))


class Optimiser(Protocol):
    """Moves a latent, a step at a time.

    Attributes:
        layout: memory layout of the latents that it takes.
        learning_rate: of the next step.
    """

    layout: ClassVar[torch.memory_format]
    learning_rate: float

    def __init__(self, latent: Tensor, learning_rate: float) -> None:
        """Take the latent, a leaf in :attr:`layout` that wants a gradient."""

    def step(self, closure: Callable[[], Tensor]) -> None:
        """Move the latent once; ``closure`` leaves the gradient in it and returns L (scalar)."""


class Adam:
    """Kingma and Ba 2015, the paper's choice (section 4.1); it evaluates L once a step."""

    layout: ClassVar[torch.memory_format] = torch.channels_last

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
            # The function, not the class: its constructor takes a second to load a compiler.
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
    """Liu and Nocedal 1989 with PyTorch's strong Wolfe line search; several evaluations a step."""

    # PyTorch's L-BFGS flattens what it moves, which only this layout allows.
    layout: ClassVar[torch.memory_format] = torch.contiguous_format

    def __init__(self, latent: Tensor, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        # With max_iter=1 PyTorch's default max_eval is 1, so that the line search would never run.
        self._optimiser = torch.optim.LBFGS(
            [latent], max_iter=1, max_eval=_MOST_EVALUATIONS, line_search_fn="strong_wolfe"
        )

    def step(self, closure: Callable[[], Tensor]) -> None:
        """Move the latent once."""
        self._optimiser.param_groups[0]["lr"] = self.learning_rate
        self._optimiser.step(closure)


OPTIMISERS: dict[str, type[Optimiser]] = {"adam": Adam, "lbfgs": Lbfgs}
"""The optimisers that a preset can name; each is made from a latent and a learning rate."""
