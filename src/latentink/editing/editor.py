"""The editor: optimise the latent y, and nothing else, so that the picture carries the bits.

Eq. 6, ``y = argmin L``, by code editing (Gao et al. 2022): all networks are frozen, gradients flow
to y alone. Sizes are in symbols (y times the quality's gain), so one learning rate serves all
qualities. λ5, the weight of the message, is not the user's to choose: it rises while fewer raw bits
come out right than the error correction needs, and falls while more do.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from latentink.codecs.codec import STRIDE, Codec, Latents, Rounding
from latentink.editing.appearance import Appearance, Judges
from latentink.editing.objective import Terms, evaluate
from latentink.editing.optimisers import OPTIMISERS, Optimiser, cosine_rate
from latentink.editing.presets import Preset, Relaxation
from latentink.editing.tiles import Tile, region_of, tiles_of
from latentink.geometry import Rectangle
from latentink.losses.total_variation import total_variation
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.relaxations.additive_noise import additive_noise
from latentink.relaxations.gumbel_annealing import gumbel_annealing
from latentink.relaxations.soft_rounding import soft_rounding
from latentink.relaxations.straight_through import straight_through

# What is missing of the information wanted moves λ5, within bounds.
_LARGEST_GAP = 0.1
# All of the information is due after this share of a schedule; asking for it at once overshoots.
_RAMP = 0.8
# Further rounds mend what the first left; at its learning rate they would undo it first.
_LATER_SHARE = 0.3
_STRICTER = 0.02
_CHECK_EVERY = 10
_SETTLED = 0.002
# Temperatures start to fall after the first 35 % of a schedule, as Yang et al. 2020 do.
_HOTTEST, _FALL, _HOT_SHARE = 0.5, 4.0, 0.35
_TERMS = ("rate", "distortion", "perceptual", "adversarial", "variation", "evasion", "accuracy")
# PyTorch's L-BFGS flattens what it moves, which only the plain layout allows.
_LAYOUTS = {"adam": torch.channels_last, "lbfgs": torch.contiguous_format}


@dataclass(frozen=True)
class EditTask:
    """What the editor is to do.

    Attributes:
        cover: (1, 3, H, W) in [0, 1], the whole photo.
        v: (1, M, h, w) float32, its latent in units of symbols.
        z: (N, h', w') int32, the hyper-latent's symbols; see Preset.hyper_steps.
        side: (1, C, h, w) float64, what the entropy model knows from them, exact.
        quality_code: the quality in units of ``QUALITY_UNIT``.
        lagrangian: λ1 of that quality.
        decoder: the message decoder.
        window: the pixels that carry; only their latents change.
        wanted: (planes, gh, gw) float32 over the window: +1, −1, and 0 where nothing is carried.
        information: bits per raw bit that the error correction needs.
        judges: LPIPS and discriminator, where the preset weighs them, and a detector to evade.
        start: (1, M, h, w), where the search for v begins, or None: at v itself.
    """

    cover: Tensor
    v: Tensor
    z: np.ndarray
    side: Tensor
    quality_code: int
    lagrangian: float
    decoder: MessageDecoder
    window: Rectangle
    wanted: Tensor
    information: float
    judges: Judges = field(default_factory=Judges)
    start: Tensor | None = None


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
        terms: the relaxed terms of L, bits, by the names of :class:`Terms`; ``accuracy`` at the
            current λ5.
        objective: their sum.
    """

    step: int
    steps: int
    bits: float
    psnr_db: float
    accuracy: float
    information: float
    weight: float
    terms: dict[str, float]
    objective: float


@dataclass(frozen=True)
class Reading:
    """What the receiver makes of a candidate.

    Attributes:
        carried: whether the sealed message comes back, with some raw bits turned over.
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
            schedule = session.schedule(max(steps // 2, 1), seconds, learning_rate, aim, 0.01)
        for progress in schedule:
            done += 1
            information = progress.information
            on_step(progress)
            if progress.step % _CHECK_EVERY == 0 and session.settled:
                latents = session.latents()
                if read(latents).carried:
                    return Edited(latents, done, session.weight)
        latents = session.latents()
        reading = read(latents)
        if reading.carried:
            return Edited(latents, done, session.weight)
        # What rounding to 8 bits and float32 took from the relaxed picture is asked for on top.
        lost = max(information - reading.information, 0.0)
        aim = max(aim, task.information + lost) + _STRICTER
    return None


class _Session:
    """The state of one optimisation: the region's latent, λ5, and the history of L."""

    def __init__(self, codec: Codec, task: EditTask, preset: Preset, seed: int) -> None:
        self.codec, self.task, self.preset = codec, task, preset
        latent_size = (task.v.shape[-2], task.v.shape[-1])
        self.tiles = tiles_of(task.window, codec.synthesis_halo, latent_size)
        self.region = region_of(task.window, codec.synthesis_halo, latent_size)
        self.inverse_gain = codec.inverse_gain(task.quality_code)
        self.half_precision = has_fast_bfloat16()
        self.synthesis = frozen_copy(codec.g_s)
        self.cover = task.cover.contiguous(memory_format=torch.channels_last)
        self.noise = torch.Generator().manual_seed(seed)
        self.weight = preset.weights.accuracy
        self.temperature = _HOTTEST
        self.appearance = Appearance(self.cover, task.judges, preset.weights.cell, self.noise)
        self.carrying = int((task.wanted != 0).sum())
        self.history: list[float] = []
        part = task.v[..., self.region.rows, self.region.columns].clone()
        core = task.window.coarsened(STRIDE)
        inner = core.shifted(self.region)
        if task.start is not None:
            part[..., inner.rows, inner.columns] = task.start[..., core.rows, core.columns]
        self._take_hyper(task.z, task.side)
        self.latent = part.contiguous(memory_format=_LAYOUTS[preset.optimiser]).requires_grad_()
        self.editable = torch.zeros(1, 1, *part.shape[-2:])
        self.editable[..., inner.rows, inner.columns] = 1

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
            self.weight *= math.exp(self.preset.weights.accuracy_gain * gap)
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
        terms: dict[str, float] = dict.fromkeys(_TERMS, 0.0)
        squared_error = information = 0.0
        right = 0
        for tile in self.tiles:
            part = self._tile_terms(tile)
            part.total(self.weight).backward()
            for name in _TERMS:
                terms[name] += float(getattr(part, name).detach())
            squared_error += part.squared_error
            right += part.right
            information += part.information
        terms["accuracy"] *= self.weight
        window = self.task.window
        mean_squared = squared_error / (3 * window.height * window.width)
        return Progress(
            step=step,
            steps=steps,
            bits=terms["rate"],
            psnr_db=-10 * math.log10(max(mean_squared, 1e-12)),
            accuracy=right / self.carrying,
            information=information / self.carrying,
            weight=self.weight,
            terms=terms,
            objective=sum(terms.values()),
        )

    def _tile_terms(self, tile: Tile) -> Terms:
        task, preset = self.task, self.preset
        patch, core = tile.patch.shifted(self.region), tile.core.shifted(self.region)
        with self._autocast():
            relaxed = self.codec.relax(
                self.latent[..., patch.rows, patch.columns],
                self.region_side[..., patch.rows, patch.columns],
                core.shifted(patch),
                self._rounding(preset.synthesis_relaxation),
                self._rounding(preset.rate_relaxation),
            )
        latent = (relaxed.values * self.inverse_gain).contiguous(memory_format=torch.channels_last)
        with self._autocast():
            stego = self.synthesis(latent).float()
        bounds = Rectangle(0, 0, *task.cover.shape[-2:])
        patch_pixels = tile.patch.scaled(STRIDE)
        pixels = tile.core.scaled(STRIDE).clipped(task.window.clipped(bounds))
        # The message decoder looks a few pixels beyond the tile, inside the patch.
        seen = pixels.grown(STRIDE, bounds)
        with self._autocast():
            logits = task.decoder.planes(
                stego[..., seen.shifted(patch_pixels).rows, seen.shifted(patch_pixels).columns],
                len(task.wanted),
            )
        stride = task.decoder.stride
        inner = pixels.shifted(seen)
        place = pixels.shifted(task.window)
        rows = slice(place.top // stride, place.bottom // stride)
        columns = slice(place.left // stride, place.right // stride)
        wanted = task.wanted[:, rows, columns]
        first_row, first_column = inner.top // stride, inner.left // stride
        logits = logits[
            0,
            :,
            first_row : first_row + wanted.shape[1],
            first_column : first_column + wanted.shape[2],
        ]
        own = pixels.shifted(patch_pixels)
        # Positions partition the window as pixels do, and look one pixel to the right and down.
        varied = Rectangle(
            own.top,
            own.left,
            own.bottom + (pixels.bottom < task.window.clipped(bounds).bottom),
            own.right + (pixels.right < task.window.clipped(bounds).right),
        )
        weights = preset.weights
        with self._autocast():
            looks = self.appearance.terms(
                pixels,
                stego[..., own.rows, own.columns],
                latent[..., core.shifted(patch).rows, core.shifted(patch).columns],
            )
        variation = stego.new_zeros(())
        if weights.variation:
            part = stego[..., varied.rows, varied.columns]
            variation = weights.variation * total_variation(part, weights.variation_exponent)
        return evaluate(
            cover=self.cover[..., pixels.rows, pixels.columns],
            stego=stego[..., own.rows, own.columns],
            rate=relaxed.bits,
            logits=logits.float(),
            wanted=wanted,
            lagrangian=task.lagrangian,
            accuracy_loss=preset.accuracy_loss,
            margin=preset.margin,
            perceptual=weights.perceptual * looks.perceptual.float(),
            adversarial=weights.adversarial * looks.adversarial.float(),
            variation=variation,
            evasion=weights.evasion * looks.evasion.float(),
        )

    def _rounding(self, relaxation: Relaxation) -> Rounding:
        roundings: dict[Relaxation, Rounding] = {
            "straight_through": straight_through,
            "additive_noise": partial(additive_noise, generator=self.noise),
            "soft_rounding": partial(soft_rounding, temperature=self.temperature),
            "gumbel_annealing": partial(
                gumbel_annealing, temperature=self.temperature, generator=self.noise
            ),
        }
        return roundings[relaxation]

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.half_precision)

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
        return self.codec.quantise(self._edited(), self.z, self.task.quality_code, side=self.side)

    def _edited(self) -> Tensor:
        core = self.task.window.coarsened(STRIDE)
        inner = core.shifted(self.region)
        edited = self.task.v.clone()
        edited[..., core.rows, core.columns] = self.latent.detach()[..., inner.rows, inner.columns]
        return edited

    @torch.no_grad()
    def _analyse_hyper(self) -> None:
        """Let the entropy model know the edited latent: the photo's own scales are too small."""
        edited = self._edited()
        z = self.codec.hyper_analyse(edited)
        self._take_hyper(z, self.codec.side(z, (edited.shape[-2], edited.shape[-1])))

    def _take_hyper(self, z: np.ndarray, side: Tensor) -> None:
        self.z, self.side = z, side
        self.region_side = side[..., self.region.rows, self.region.columns].float()


def temperature_at(share: float) -> float:
    """Return τ of the relaxations that have one, after ``share`` of a schedule."""
    return _HOTTEST * math.exp(-_FALL * max(share - _HOT_SHARE, 0.0))


def has_fast_bfloat16() -> bool:
    """Return whether this CPU computes convolutions in bfloat16 faster than in float32."""
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return bool(supported and supported())


def frozen_copy(network: nn.Module) -> nn.Module:
    """Return a copy of ``network`` in channels_last layout, without gradients for its weights."""
    frozen = copy.deepcopy(network).to(memory_format=torch.channels_last)
    return frozen.eval().requires_grad_(False)
