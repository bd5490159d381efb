"""The contract of what can be trained: what codecs, decoders and detectors do not share.

A task makes its networks and optimisers, says the loss of a step, measures and exports. Everything
else is the trainer's (trainer.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from latentink.training.recipes import Recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric

R = TypeVar("R", bound=Recipe)
D = TypeVar("D")


@dataclass(frozen=True)
class Column:
    """A figure of each step in the log.

    Attributes:
        name: heading; ``"learning_rate"`` is the trainer's, the others are the task's.
        digits: format specification in the log.
        text: format string on the progress line; empty: not shown there.
        smoothing: decay of the moving average that is logged; 0: the figure itself.
    """

    name: str
    digits: str
    text: str = ""
    smoothing: float = 0.0


@dataclass(frozen=True)
class Step:
    """One step, as the trainer hands it to a task.

    Attributes:
        number: from 0.
        generator: of the batch; PyTorch's global generators are seeded for the step, too.
        fabric: has the device, and ``autocast()``, in which networks compute in bfloat16.
        descend: ``descend(optimiser, loss, clip)`` moves the optimiser's parameters against the
            gradient of the loss at the schedule's learning rate, the gradient scaled down to the
            norm ``clip`` unless that is None.
    """

    number: int
    generator: Generator
    fabric: Fabric
    descend: Callable[[Optimizer, Tensor, float | None], None]


class Task(ABC, Generic[R, D]):
    """What is trained, after a recipe R, on data D.

    Attributes:
        recipe_type: class of the recipe.
        seed_word: word mixed into its seeds (seeding.py). It never changes: old runs could not be
            repeated.
        columns: of the log.
        log_steps: steps between rows of the log.
        validation_columns: of the log of validations during the run; empty: there are none.
        parts: names of the attributes that checkpoints keep: networks and optimisers, or None.
        inputs: what else the result depends on: maps a key in the checkpoint to (words for errors,
            identity). A run resumes only if the identities are equal.
    """

    recipe_type: ClassVar[type[Recipe]]
    seed_word: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    log_steps: ClassVar[int] = 1
    validation_columns: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[tuple[str, ...]] = ("network", "optimiser")

    def __init__(self, recipe: R, training: D, held_out: D) -> None:
        """Prepare to train after a recipe, and to measure on what is held out."""
        self.recipe, self.training, self.held_out = recipe, training, held_out
        self.inputs: dict[str, tuple[str, str]] = {}
        self.build()

    @abstractmethod
    def build(self) -> None:
        """Make the networks, by the recipe's seed, and the optimisers."""

    def batch_number(self, step: int, process: int, processes: int) -> int | str:
        """Return the number of a batch in its seed: batches are counted through all processes."""
        return step * processes + process

    @abstractmethod
    def advance(self, step: Step) -> Mapping[str, Tensor | float]:
        """Draw a batch, descend, and return the figures of :attr:`columns`."""

    def validate(self, steps: int) -> list[list[str]]:
        """Return rows of :attr:`validation_columns` if it is time for them after ``steps``."""
        return []

    @abstractmethod
    def export(self, out: Path, notes: dict[str, str]) -> None:
        """Measure on what was held out, and write the file that ships, with notes of the run.

        Raises:
            OutputError: a file cannot be written.
        """


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Set networks to evaluation mode in the block, and back to their modes after it."""
    modes = [network.training for network in networks]
    try:
        for network in networks:
            network.eval()
        yield
    finally:
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)
