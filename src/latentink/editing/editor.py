"""The editor: optimise the latent y, and nothing else, so that the picture carries the bits.

Eq. 6, ``y = argmin L``, by code editing (Gao et al. 2022): all networks are frozen, gradients flow
to y alone. Sizes are in symbols (y times the quality's gain), so one learning rate serves all
qualities. λ5, the weight of the message, is not the user's to choose: it rises while fewer raw bits
come out right than the error correction needs, and falls while more do.

:func:`edit` runs schedules until the receiver reads the message; :func:`run_schedule` runs one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latentink.codecs.codec import Codec
from latentink.codecs.entropy_model import STRIDE, Latents, nearest
from latentink.editing.objective import (
    TERMS,
    TileView,
    looks_at_cells,
    measure_terms,
    weighed_terms,
    weighted_sum,
)
from latentink.editing.optimisers import OPTIMISERS, Optimiser, cosine_rate
from latentink.editing.presets import Preset
from latentink.editing.relaxed_receiver import RelaxedReceiver
from latentink.editing.soft_information import soft_information
from latentink.editing.task import EditTask
from latentink.editing.tiles import Tile, region_of, tiles_of
from latentink.frozen_networks import fast_autocast

# What is missing of the information wanted moves λ5, within bounds.
_LARGEST_GAP = 0.1
# All of the information is due after this share of a schedule; asking for it at once overshoots.
_RAMP, _LATER_RAMP = 0.8, 0.01
# Further rounds mend what the first left; at its learning rate they would undo it first.
_LATER_SHARE = 0.3
_STRICTER = 0.02
_CHECK_EVERY = 10
_SETTLED = 0.002
# Temperatures start to fall after the first 35 % of a schedule, as Yang et al. 2020 do.
_HOTTEST, _FALL, _HOT_SHARE = 0.5, 4.0, 0.35


@dataclass(frozen=True)
class Progress:
    """Where the editor is.

    Attributes:
        step: steps done.
        steps: length of the schedule.
        bits: relaxed rate of the window, bits.
        psnr_db: relaxed, of the window.
        accuracy: relaxed share of right raw bits.
        information: relaxed soft information per raw bit.
        weight: λ5.
        terms: the relaxed terms of L with their weights, bits, by their names in ``TERMS``
            (editing/objective.py); ``accuracy`` at the current λ5; 0 where a term is off.
    """

    step: int
    steps: int
    bits: float
    psnr_db: float
    accuracy: float
    information: float
    weight: float
    terms: dict[str, float]

    @property
    def objective(self) -> float:
        """L, the sum of the terms, bits."""
        return sum(self.terms.values())


@dataclass(frozen=True)
class Reading:
    """What the receiver makes of a candidate.

    Attributes:
        carried: whether the sealed message comes back, even with some raw bits turned over.
        information: soft information per payload raw bit in the 8-bit picture.
    """

    carried: bool
    information: float


@dataclass(frozen=True)
class Edited:
    """What the editor returns.

    Attributes:
        latents: of the whole photo.
        steps: steps done, all rounds together.
        weight: λ5 at the end.
    """

    latents: Latents
    steps: int
    weight: float


def edit(
    codec: Codec,
    task: EditTask,
    preset: Preset,
    *,
    seed: int,
    steps: int,
    seconds: float | None,
    read: Callable[[Latents], Reading],
    on_step: Callable[[Progress], None],
) -> Edited | None:
    """Return latents that carry the bits, or None when the photo does not take them.

    Args:
        codec: the codec, frozen.
        task: photo, message decoder and bits.
        preset: schedule and relaxations.
        seed: of the rounding noise.
        steps: length of the first schedule; further rounds are half as long.
        seconds: budget of one schedule, or None; whichever ends first.
        read: the receiver's whole path, with margin, on candidate latents.
        on_step: called after each step.
    """
    session = _Session(codec, task, preset, seed)
    done, aim, information = 0, task.information, 0.0
    for number in range(preset.rounds):
        if number == 0:
            schedule = session.schedule(steps, seconds, preset.learning_rate, aim, _RAMP)
        else:
            learning_rate = _LATER_SHARE * preset.learning_rate
            schedule = session.schedule(
                max(steps // 2, 1), seconds, learning_rate, aim, _LATER_RAMP
            )
        for progress in schedule:
            done += 1
            information = progress.information
            on_step(progress)
            if progress.step % _CHECK_EVERY == 0 and session.settled:
                latents = session.latents()
                if read(latents).carried:
                    return Edited(latents, done, session.accuracy_weight)
        latents = session.latents()
        reading = read(latents)
        if reading.carried:
            return Edited(latents, done, session.accuracy_weight)
        # What rounding to 8 bits and float32 took from the relaxed picture is asked for on top.
        lost = max(information - reading.information, 0.0)
        aim = max(aim, task.information + lost) + _STRICTER
    return None


def run_schedule(
    codec: Codec,
    task: EditTask,
    preset: Preset,
    *,
    seed: int,
    steps: int,
    seconds: float | None = None,
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> Edited:
    """Return the latents after one whole schedule, whether or not they carry the bits.

    This is the first schedule of :func:`edit`, without a receiver that could end it early.

    Args:
        codec: the codec, frozen.
        task: photo, message decoder and bits.
        preset: schedule and relaxations; its rounds do not matter.
        seed: of the rounding noise.
        steps: length of the schedule.
        seconds: budget, or None; whichever ends first.
        on_step: called after each step.
    """
    session = _Session(codec, task, preset, seed)
    done = 0
    for progress in session.schedule(steps, seconds, preset.learning_rate, task.information, _RAMP):
        done += 1
        on_step(progress)
    return Edited(session.latents(), done, session.accuracy_weight)


class _Session:
    """The state of one optimisation: the region's latent, the weights of L, and its history."""

    def __init__(self, codec: Codec, task: EditTask, preset: Preset, seed: int) -> None:
        self.codec, self.task, self.preset = codec, task, preset
        on_device = task.on_device()
        self.critics = on_device.critics
        latent_size = (task.v.shape[-2], task.v.shape[-1])
        self.tiles = tiles_of(task.window, codec.synthesis_halo, latent_size)
        self.region = region_of(task.window, codec.synthesis_halo, latent_size)
        self.noise = torch.Generator().manual_seed(seed)
        self.weights = weighed_terms(preset.weights, task.critics)
        self.receiver = RelaxedReceiver(
            codec, on_device, preset, self.region, self.noise, looks_at_cells(self.weights)
        )
        self.temperature = _HOTTEST
        self.carrying = int((task.wanted != 0).sum())
        self.history: list[float] = []
        part = task.v[..., self.region.rows, self.region.columns].clone()
        core = task.window.coarsened(STRIDE)
        outside = np.ones(task.v.shape[1:], dtype=bool)
        outside[:, core.rows, core.columns] = False
        self.outside = outside.ravel()  # of the window, by flat position
        inner = core.shifted(self.region)
        if task.start is not None:
            part[..., inner.rows, inner.columns] = task.start[..., core.rows, core.columns]
        self._take_hyper(task.z, task.side)
        layout = OPTIMISERS[preset.optimiser].layout
        self.latent = part.to(task.device).contiguous(memory_format=layout).requires_grad_()
        self.editable = torch.zeros(1, 1, *part.shape[-2:], device=task.device)
        self.editable[..., inner.rows, inner.columns] = 1

    @property
    def accuracy_weight(self) -> float:
        """λ5."""
        return self.weights.get("accuracy", 0.0)

    def schedule(
        self, steps: int, seconds: float | None, learning_rate: float, aim: float, ramp: float
    ) -> Iterator[Progress]:
        """Run one schedule with a cosine from ``learning_rate`` down.

        Args:
            steps: length.
            seconds: budget, or None.
            learning_rate: at its first step.
            aim: soft information per raw bit to reach.
            ramp: share of the schedule after which all of it is due.
        """
        optimiser = OPTIMISERS[self.preset.optimiser](self.latent, learning_rate)
        last_rate = min(self.preset.final_learning_rate, learning_rate)
        started = time.monotonic()
        step = 0
        while step < steps:
            share = step / steps
            if seconds is not None:
                share = max(share, (time.monotonic() - started) / seconds)
            if share >= 1:
                break
            if self.preset.hyper_steps and step and step % self.preset.hyper_steps == 0:
                self._analyse_hyper()
            optimiser.learning_rate = cosine_rate(learning_rate, last_rate, share)
            self.temperature = temperature_at(share)
            progress = self._step(optimiser, step + 1, steps)
            due = aim * min(share / ramp, 1.0)
            gap = min(max(due - progress.information, -_LARGEST_GAP), _LARGEST_GAP)
            if "accuracy" in self.weights:
                self.weights["accuracy"] *= math.exp(self.preset.accuracy_gain * gap)
            step += 1
            yield progress

    def _step(self, optimiser: Optimiser, step: int, steps: int) -> Progress:
        noise = self.noise.get_state()
        seen: list[Progress] = []

        def objective() -> Tensor:
            # A line search compares like with like: every evaluation of a step has its noise.
            self.noise.set_state(noise)
            self.latent.grad = None
            seen.append(self._evaluate(step, steps))
            assert self.latent.grad is not None
            self.latent.grad.mul_(self.editable)
            return self.latent.new_tensor(seen[-1].objective)

        optimiser.step(objective)
        self.history.append(seen[0].objective)
        return seen[0]

    def _evaluate(self, step: int, steps: int) -> Progress:
        """Return where the latent stands, and leave the gradient of L in it."""
        terms, figures = dict.fromkeys(TERMS, 0.0), _Figures()
        for tile in self.tiles:
            self._add_tile(tile, terms, figures)
        for name, weight in self.weights.items():
            terms[name] *= weight
        window = self.task.window
        mean_squared = figures.squared_error / (3 * window.height * window.width)
        return Progress(
            step=step,
            steps=steps,
            bits=terms["rate"],
            psnr_db=-10 * math.log10(max(mean_squared, 1e-12)),
            accuracy=figures.right / self.carrying,
            information=figures.information / self.carrying,
            weight=self.accuracy_weight,
            terms=terms,
        )

    def _add_tile(self, tile: Tile, terms: dict[str, float], figures: _Figures) -> None:
        """Add a tile's terms, without their weights, its figures, and its part of the gradient."""
        view = self.receiver.look(tile, self.latent, self.region_side, self.temperature)
        with fast_autocast(self.task.device):
            measured = measure_terms(view, self.weights, self.critics)
        weighted_sum(measured, self.weights).backward()
        for name, value in measured.items():
            terms[name] += float(value.detach())
        figures.add(view)

    @property
    def settled(self) -> bool:
        """Whether L changed little over the last checks, so that more steps would not pay."""
        if len(self.history) < 2 * _CHECK_EVERY:
            return False
        before = float(np.mean(self.history[-2 * _CHECK_EVERY : -_CHECK_EVERY]))
        now = float(np.mean(self.history[-_CHECK_EVERY:]))
        return abs(before - now) < _SETTLED * abs(before)

    @torch.no_grad()
    def latents(self) -> Latents:
        """Return the whole photo's latents with the edited region in place."""
        code = self.task.quality_code
        return self.codec.quantise(self._edited(), self.z, code, self._choose, self.side)

    def _choose(self, places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Choose the symbols of a pass: what the editor found, and the task's where it did not."""
        symbols = nearest(places, values, rows)
        outside = np.flatnonzero(self.outside[places])
        if len(outside):
            symbols[outside] = self.task.untouched(places[outside], values[outside], rows[outside])
        return symbols

    def _edited(self) -> Tensor:
        core = self.task.window.coarsened(STRIDE)
        inner = core.shifted(self.region)
        edited = self.task.v.clone()
        latent = self.latent.detach()[..., inner.rows, inner.columns].cpu()
        edited[..., core.rows, core.columns] = latent
        return edited

    @torch.no_grad()
    def _analyse_hyper(self) -> None:
        """Let the entropy model know the edited latent: the photo's own scales are too small."""
        edited = self._edited()
        z = self.codec.hyper_analyse(edited)
        self._take_hyper(z, self.codec.entropy.side(z, (edited.shape[-2], edited.shape[-1])))

    def _take_hyper(self, z: np.ndarray, side: np.ndarray) -> None:
        self.z, self.side = z, side
        own = self.codec.conditions(side)[..., self.region.rows, self.region.columns]
        self.region_side = own.to(self.task.device)


@dataclass
class _Figures:
    """What progress reports beside the terms, summed over tiles.

    Attributes:
        right: raw bits that come out right.
        information: bits that a soft decoder could draw from them.
        squared_error: over colours and pixels, in [0, 1]² units.
    """

    right: int = 0
    information: float = 0.0
    squared_error: float = 0.0

    @torch.no_grad()
    def add(self, view: TileView) -> None:
        """Add a tile's."""
        self.right += int(((view.logits > 0) == (view.bits > 0.5)).sum())
        self.information += soft_information(view.logits * (2 * view.bits - 1))
        self.squared_error += float((view.cover - view.stego).square().sum())


def temperature_at(share: float) -> float:
    """Return τ of the relaxations that have one, after ``share`` of a schedule."""
    return _HOTTEST * math.exp(-_FALL * max(share - _HOT_SHARE, 0.0))
