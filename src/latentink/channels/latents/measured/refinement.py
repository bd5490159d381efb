"""Refinement of latents whose residues are given: all symbols together, for rate and distortion.

Each symbol was chosen by itself, for a squared error in its own unit. Here gradients of

    L = R + λ1·L_recon

through the synthesis transform move all of them, carrying or not: neighbours make up in the picture
for what a residue forced, and every symbol is weighed by what it does there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from latentink.codecs.codec import Codec
from latentink.codecs.entropy_model import STRIDE
from latentink.editing.editor import Progress
from latentink.editing.optimisers import Adam, cosine_rate
from latentink.editing.tiles import Tile, tiles_of
from latentink.frozen_networks import fast_autocast, frozen_copy
from latentink.geometry import Rectangle
from latentink.losses.distortion import PEAK, squared_error_bits
from latentink.relaxations.additive_noise import additive_noise
from latentink.relaxations.coset_rounding import coset_rounding

_LEARNING_RATE, _LAST_LEARNING_RATE = 5e-3, 5e-4


@dataclass(frozen=True)
class RefineTask:
    """What is to be refined.

    Attributes:
        cover: (1, 3, H, W) in [0, 1].
        v: (1, M, h, w), where to start: near the symbols that carry.
        side: (1, M, h, w) float32, the scales, which stay as they are.
        quality_code: the quality of ``v``, in units of ``QUALITY_UNIT``.
        lagrangian: λ1 of the quality that the user asked for.
        residues: (1, M, h, w), what each symbol has to leave.
        moduli: (1, M, h, w), by what it is divided; 1 where it carries nothing.
        device: where the refinement computes; all tensors here are on the CPU.
    """

    cover: Tensor
    v: Tensor
    side: Tensor
    quality_code: int
    lagrangian: float
    residues: Tensor
    moduli: Tensor
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def on_device(self) -> RefineTask:
        """Return the task with its tensors on its device."""
        names = ("cover", "v", "side", "residues", "moduli")
        return replace(self, **{name: getattr(self, name).to(self.device) for name in names})


def refine(
    codec: Codec, task: RefineTask, steps: int, seed: int, on_step: Callable[[Progress], None]
) -> Tensor:
    """Return v (1, M, h, w) after ``steps`` of Adam, from which the symbols are to be chosen anew.

    Args:
        codec: a codec whose symbols do not depend on each other, frozen.
        task: photo and residues.
        steps: how many.
        seed: of the rounding noise.
        on_step: called after each step.
    """
    session = _Refinement(codec, task, seed)
    optimiser = Adam(session.latent, _LEARNING_RATE)
    for step in range(steps):
        optimiser.learning_rate = cosine_rate(_LEARNING_RATE, _LAST_LEARNING_RATE, step / steps)
        optimiser.step(session.objective)
        on_step(session.progress(step + 1, steps))
    return session.latent.detach().cpu()


class _Refinement:
    """The latent that is refined, and what the last evaluation of L found."""

    def __init__(self, codec: Codec, task: RefineTask, seed: int) -> None:
        task = task.on_device()
        self.codec, self.task, self.device = codec.on(task.device), task, task.device
        self.latent = task.v.clone(memory_format=torch.channels_last).requires_grad_()
        self.synthesis = frozen_copy(self.codec.g_s)
        self.inverse_gain = codec.inverse_gain(task.quality_code).to(task.device)
        self.noise = torch.Generator().manual_seed(seed)
        self.whole = Rectangle(0, 0, *task.cover.shape[-2:])
        self.tiles = tiles_of(
            self.whole, codec.synthesis_halo, (task.v.shape[-2], task.v.shape[-1])
        )
        self.rate = self.distortion = 0.0

    def objective(self) -> Tensor:
        """Return L (scalar), and leave its gradient in the latent."""
        self.latent.grad = None
        self.rate = self.distortion = 0.0
        for tile in self.tiles:
            rate, distortion = self._tile_terms(tile)
            (rate + distortion).backward()
            self.rate += rate.item()
            self.distortion += distortion.item()
        return self.latent.new_tensor(self.rate + self.distortion)

    def progress(self, step: int, steps: int) -> Progress:
        """Return where the latent stood at the last evaluation."""
        pixels = self.whole.height * self.whole.width
        mean_squared = self.distortion / (self.task.lagrangian * PEAK**2 * pixels)
        return Progress(
            step=step,
            steps=steps,
            bits=self.rate,
            psnr_db=-10 * math.log10(max(mean_squared, 1e-12)),
            accuracy=1.0,
            information=1.0,
            weight=0.0,
            terms={"rate": self.rate, "distortion": self.distortion},
        )

    def _tile_terms(self, tile: Tile) -> tuple[Tensor, Tensor]:
        """Return R and λ1·L_recon of a tile, bits."""
        task, patch = self.task, tile.patch
        inner = tile.core.shifted(patch)
        residues = task.residues[..., patch.rows, patch.columns]
        moduli = task.moduli[..., patch.rows, patch.columns]
        own_residues = residues[..., inner.rows, inner.columns]
        own_moduli = moduli[..., inner.rows, inner.columns]

        def on_lattice(symbols: Tensor) -> Tensor:
            return coset_rounding(symbols, residues, moduli)

        def as_rated(symbols: Tensor) -> Tensor:
            points = coset_rounding(symbols, own_residues, own_moduli)
            return torch.where(own_moduli > 1, points, additive_noise(symbols, self.noise))

        with fast_autocast(self.device):
            relaxed = self.codec.relax(
                self.latent[..., patch.rows, patch.columns],
                task.side[..., patch.rows, patch.columns],
                inner,
                on_lattice,
                as_rated,
            )
            seen = relaxed.values * self.inverse_gain
            picture = self.synthesis(seen.contiguous(memory_format=torch.channels_last)).float()
        pixels = tile.pixels(self.whole)
        own = pixels.shifted(patch.scaled(STRIDE))
        distortion = squared_error_bits(
            task.cover[..., pixels.rows, pixels.columns],
            picture[..., own.rows, own.columns],
            task.lagrangian,
        )
        return relaxed.bits, distortion
