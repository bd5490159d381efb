"""The trainer of all tasks: steps, devices, logs, checkpoints, resuming, export.

::

    seeds of step n ──► Task.advance ──► loss ──► gradient, mean of all processes ──► optimiser
                                          │
                       log, checkpoint ◄──┘      at the end: Task.export

Everything random in step n comes from (seed, n), so that a run resumed from a checkpoint is the run
that was never interrupted, to the last bit on the same machine and thread count.

Lightning Fabric chooses the device, computes in bfloat16 where that serves, and joins the processes
of ``torchrun``. Networks are called directly: Fabric's wrapper would round their inputs to
bfloat16, an error larger than the difference between a cover and its stego.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from latentink.defaults import DEFAULT_DEVICE
from latentink.devices import device_named
from latentink.errors import OptionError, OutputError, WeightsError
from latentink.interrupts import interrupts_deferred
from latentink.training.checkpoints import newest, plateau, read_state, write_checkpoint
from latentink.training.logs import Journal
from latentink.training.recipes import settings
from latentink.training.seeding import batch_seeded
from latentink.training.task import Step, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Trainer:
    """A task in training: ``task`` after ``step`` steps, on the devices of ``fabric``."""

    def __init__(self, task: Task[Any, Any], device: str = DEFAULT_DEVICE) -> None:
        """Put the task's networks, as they start, on the device.

        Raises:
            OptionError: the packages for training are not installed.
        """
        self.task, self.fabric, self.step = task, launch_fabric(device), 0
        self.schedule = task.recipe.schedule()
        # A run of such a task can be lengthened from the end of its plateau.
        self.lengthens = settings(type(task.recipe))["steps"].free
        self._move_networks(self.fabric.device)

    def train(self, recipe_path: Path, out: Path, resume: bool) -> Path:
        """Train to the recipe's last step and export; show progress on the terminal.

        Beside ``out`` lie the newest checkpoint (``.checkpoint.pt``) and the log (``.csv``); where
        the task has them, the checkpoint from the end of the plateau (``.plateau.pt``) and the
        validations (``.validation.csv``). Ctrl-C writes a checkpoint between two steps.

        Args:
            recipe_path: where the recipe was read, for the notes.
            out: the file to write; its folder is created.
            resume: continue exactly from the newest checkpoint.

        Returns:
            ``out``.

        Raises:
            OptionError: the checkpoint is of another recipe or input; the sentence names it.
            WeightsError: there is no readable checkpoint to resume from, or the run diverged.
            OutputError: something cannot be written.
        """
        if resume:
            self.resume(out)
        if self.fabric.is_global_zero:
            try:
                self._run_and_record(out)
            except OSError as error:
                raise OutputError(
                    f"{out} cannot be written: {error.strerror}; name another file or folder."
                ) from error
        else:
            self.finish()
        # What ships is measured where it will be used.
        self._move_networks(torch.device("cpu"))
        if self.fabric.is_global_zero:
            self.task.export(out, {"recipe": recipe_path.name, "steps": str(self.step)})
        return out

    def finish(self) -> None:
        """Advance to the recipe's last step, without logs and checkpoints."""
        while self.step < self.schedule.steps:
            self.advance()

    def advance(self) -> dict[str, Tensor | float]:
        """Do one step and return what it measured.

        Raises:
            WeightsError: the run diverged.
        """
        task, fabric = self.task, self.fabric
        batch = task.batch_number(self.step, fabric.global_rank, fabric.world_size)
        with batch_seeded(task.seed_word, task.recipe.seed, batch) as generator:
            figures = task.advance(Step(self.step, generator, fabric, self._descend))
        figures = {**figures, "learning_rate": self._learning_rate()}
        self.step += 1
        return figures

    def _learning_rate(self) -> float:
        rate: float = self.task.recipe.learning_rate
        return rate * self.schedule.factor(self.step)

    def _descend(self, optimiser: Optimizer, loss: Tensor, clip: float | None) -> None:
        """See :class:`latentink.training.task.Step`."""
        self._check(loss, "loss")
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        for group in optimiser.param_groups:
            group["lr"] = self._learning_rate()
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self._share([p.grad for p in parameters if p.grad is not None])
        if clip is not None:
            self._check(nn.utils.clip_grad_norm_(parameters, clip), "gradient")
        optimiser.step()

    def _check(self, value: Tensor, what: str) -> None:
        if not torch.isfinite(value):
            advice = "train again with a lower learning_rate"
            raise WeightsError(f"The {what} is no longer finite at step {self.step}; {advice}.")

    def _share(self, gradients: list[Tensor]) -> None:
        """Replace gradients by their mean over all processes."""
        if self.fabric.world_size == 1:
            return
        together = torch.cat([gradient.flatten() for gradient in gradients])
        mean = self.fabric.all_reduce(together, reduce_op="mean")
        assert isinstance(mean, Tensor)
        parts = mean.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def _parts(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self.task, name)) for name in self.task.parts)

    def _move_networks(self, device: torch.device) -> None:
        for _, part in self._parts():
            if isinstance(part, nn.Module):
                part.to(device)

    def _run_and_record(self, out: Path) -> None:
        """Advance to the recipe's last step, with logs and checkpoints."""
        out.parent.mkdir(parents=True, exist_ok=True)
        first, saved = self.step, time.monotonic()
        with Journal(self.task, out, first) as journal:
            try:
                while self.step < self.schedule.steps:
                    if self.lengthens and self.step == self.schedule.plateau_end > first:
                        write_checkpoint(self.state(), plateau(out))
                    with interrupts_deferred():
                        journal.note(self.step + 1, self.advance())
                    journal.validated(self.task.validate(self.step))
                    if time.monotonic() - saved >= self.task.recipe.checkpoint_seconds:
                        write_checkpoint(self.state(), newest(out))
                        saved = time.monotonic()
            except KeyboardInterrupt:
                write_checkpoint(self.state(), newest(out))
                raise
        write_checkpoint(self.state(), newest(out))

    def state(self) -> dict[str, Any]:
        """Return everything that resuming needs; tensors, numbers and text only."""
        return {
            "recipe": self.task.recipe.values(),
            "step": self.step,
            **{name: identity for name, (_, identity) in self.task.inputs.items()},
            **{name: part and part.state_dict() for name, part in self._parts()},
        }

    def resume(self, out: Path) -> None:
        """Go on from the newest checkpoint, or from the plateau's end if the run was lengthened.

        Raises:
            WeightsError: there is no checkpoint of such a run, or it is damaged.
            OptionError: it was reached with another recipe or input; the sentence names it.
        """
        state = read_state(newest(out), self.task)
        try:
            before = type(self.task.recipe)(**state["recipe"]).schedule()
        except TypeError:
            raise WeightsError(
                "The checkpoint was made after a recipe with other fields; train without resuming."
            ) from None
        if before != self.schedule:
            if state["step"] > before.plateau_end:
                state = read_state(plateau(out), self.task)
            if state["step"] > self.schedule.plateau_end:
                raise OptionError(
                    f"The checkpoint is at step {state['step']}, beyond the recipe's plateau of "
                    f"{self.schedule.plateau_end} steps: raise steps."
                )
        try:
            for name, part in self._parts():
                if part is not None:
                    part.load_state_dict(state[name])
        except (RuntimeError, ValueError, KeyError) as error:
            raise WeightsError(
                f"The checkpoint does not fit the networks ({error}); train without resuming."
            ) from error
        self.step = state["step"]


def missing_package(error: ImportError) -> OptionError:
    """Return the sentence for a package that only training needs."""
    return OptionError(f"Training needs the package {error.name}: pip install 'latentink[train]'.")


def launch_fabric(device: str = DEFAULT_DEVICE) -> Fabric:
    """Return Fabric on a device, or under ``torchrun`` on several of its kind.

    Raises:
        OptionError: the packages for training are not installed, or there is no such device.
    """
    try:
        from lightning_fabric import Fabric
    except ImportError as error:
        raise missing_package(error) from None
    kind = device_named(device).type
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fabric = Fabric(
            accelerator=kind, devices=processes, num_nodes=nodes, precision="bf16-mixed"
        )
        fabric.launch()
    return fabric
