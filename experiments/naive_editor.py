"""Times our editor beside a literal implementation of the paper, to the same objective.

    python experiments/naive_editor.py ../shared/photos/kodak/kodim05.png --crop 128 --steps 1500

Both optimise the latent of one photo for the same bits (dense message decoder, one bit at each
pixel), with the same networks and the same weights of the same six terms. The literal
implementation uses float32, the layers that train, additive noise and Adam at 1e-3. It evaluates
every term over the whole picture at every step, and computes the hyper path and the cover's
features anew each time. Ours is the preset `paper` with the changes of this project. The objective
compared is that of the rounded latent, with all terms in float32; the time to compute it does not
count. Prints a Markdown table: what ours reached, when, and when the literal one was as far.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from inputs import read_cover
from latentink.bundled import bundled
from latentink.codecs.entropy_model import Latents
from latentink.codecs.hyperprior.networks import HyperpriorNetworks
from latentink.codecs.loading import load_codec
from latentink.codecs.weights_packing import network_tensors
from latentink.critics.discriminator import load_discriminator
from latentink.critics.lpips import PerceptualLoss
from latentink.editing.editor import run_schedule
from latentink.editing.objective import load_critics
from latentink.editing.presets import PAPER
from latentink.editing.task import EditTask
from latentink.geometry import Rectangle
from latentink.losses.accuracy import cross_entropy
from latentink.losses.adversarial import adversarial
from latentink.losses.distortion import squared_error_bits
from latentink.losses.rate import gaussian_bits
from latentink.losses.total_variation import total_variation
from latentink.message_decoders.registry import load_message_decoder
from latentink.picture import to_tensor
from latentink.tensor_files import fill, read_safetensors

# λ5 = 1/48 on the sum over the bits of a 512×512 photo, beside means over its pixels.
WEIGHTS_OF_TERMS = {**PAPER.weights, "accuracy": 512**2 / 48}
# The objective compared has the photo's own hyper-latent, so ours keeps it here.
OURS = replace(PAPER, weights=WEIGHTS_OF_TERMS, learning_rate=2e-2, hyper_steps=0)


class Plainly:
    """The plain reading: what it optimises, and how."""

    def __init__(self, task: EditTask) -> None:
        self.codec, self.task = load_codec("hyperprior"), task
        tensors, _ = read_safetensors(bundled("hyperprior"))
        self.model = HyperpriorNetworks(
            self.codec.entropy.hyper_channels, self.codec.entropy.latent_channels
        )
        for name in ("g_s", "h_a", "h_s"):
            fill(getattr(self.model, name), network_tensors(tensors, name), name)
        self.lpips = PerceptualLoss()
        self.discriminator = load_discriminator(self.codec.name, self.codec.entropy.fingerprint)

    def objective(self, values: Tensor, scales: Tensor) -> Tensor:
        """Return L (scalar, bits) of v̂ (1, M, h, w), every term over the whole picture."""
        task, weights = self.task, WEIGHTS_OF_TERMS
        latent = values * self.codec.inverse_gain(task.quality_code)
        stego = self.model.g_s(latent)
        pixels = stego.shape[-2] * stego.shape[-1]
        seems = adversarial(self.discriminator(stego, latent))
        logits = task.decoder.planes(stego, 1)[0]
        bits = (task.wanted + 1) / 2
        return (
            gaussian_bits(values, scales)
            + squared_error_bits(task.cover, stego, task.lagrangian)
            + weights["perceptual"] * pixels * self.lpips(task.cover, stego)
            + weights["adversarial"] * pixels * seems
            + weights["variation"] * total_variation(stego, OURS.variation_exponent)
            + weights["accuracy"] * cross_entropy(logits.flatten(), bits.flatten())
        )

    @torch.no_grad()
    def final(self, latents: Latents) -> float:
        """Return L of rounded latents."""
        values = torch.from_numpy(latents.values)[None]
        return float(self.objective(values, self.codec.conditions(self.task.side)))

    def run(self, steps: int, every: int) -> list[tuple[int, float, float]]:
        """Return (step, seconds, L of the rounded latent) each ``every`` steps."""
        latent = self.task.v.clone().requires_grad_()
        optimiser = torch.optim.Adam([latent], lr=1e-3)
        torch.manual_seed(0)
        trace, spent = [], 0.0
        for step in track(range(1, steps + 1), "plainly"):
            started = time.perf_counter()
            optimiser.zero_grad()
            z = self.model.h_a(latent.abs())
            scales = self.model.h_s(z + torch.rand_like(z) - 0.5)
            scales = scales[..., : latent.shape[-2], : latent.shape[-1]].clamp_min(0.11)
            self.objective(latent + torch.rand_like(latent) - 0.5, scales).backward()
            optimiser.step()
            spent += time.perf_counter() - started
            if step % every == 0:
                rounded = self.codec.quantise(latent.detach(), self.task.z, self.task.quality_code)
                trace.append((step, spent, self.final(rounded)))
        return trace


def task_on(cover: np.ndarray) -> EditTask:
    """Return the task: a random bit in every pixel of ``cover`` (H, W, 3), quality 5."""
    codec, picture = load_codec("hyperprior"), to_tensor(cover)
    code = codec.quality_code(5)
    v = codec.analyse(picture, code)
    z = codec.hyper_analyse(v)
    signs = np.random.default_rng(0).integers(0, 2, (1, *cover.shape[:2]))
    return EditTask(
        cover=picture,
        v=v,
        z=z,
        side=codec.entropy.side(z, (v.shape[-2], v.shape[-1])),
        quality_code=code,
        lagrangian=codec.lagrangian(code),
        decoder=load_message_decoder("dense", bytes(32)),
        window=Rectangle(0, 0, *cover.shape[:2]),
        wanted=torch.from_numpy(2.0 * signs - 1).float(),
        information=1.0,
        critics=load_critics(WEIGHTS_OF_TERMS, codec),
    )


def ours(task: EditTask, steps: int) -> tuple[float, Latents]:
    """Return the seconds of ``steps`` of our editor, and the latents."""
    started = time.perf_counter()
    edited = run_schedule(load_codec("hyperprior"), task, OURS, seed=0, steps=steps)
    return time.perf_counter() - started, edited.latents


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1500, help="of the literal implementation")
    parser.add_argument("--every", type=int, default=25)
    parser.add_argument("--ours", type=int, nargs="+", default=[20, 40, 80, 160])
    arguments = parser.parse_args()
    task = task_on(read_cover(arguments.photo, arguments.crop))
    plainly = Plainly(task)
    start = plainly.final(plainly.codec.quantise(task.v, task.z, task.quality_code))
    results = [(steps, *ours(task, steps)) for steps in arguments.ours]
    trace = plainly.run(arguments.steps, arguments.every)
    pixels = arguments.crop**2
    print(f"at the start {start / pixels:.0f} bits per pixel\n")
    print("| ours, steps | seconds | objective, bpp | plainly as far after | seconds | ratio |")
    print("|---:|---:|---:|---:|---:|---:|")
    for steps, seconds, latents in results:
        reached = plainly.final(latents)
        row = f"| {steps} | {seconds:.1f} | {reached / pixels:.1f} |"
        met = next((entry for entry in trace if entry[2] <= reached), None)
        if met is None:
            step, _, least = min(trace, key=lambda entry: entry[2])
            row += f" never; {least / pixels:.1f} at step {step} | > {trace[-1][1]:.0f} |"
            print(f"{row} > {trace[-1][1] / seconds:.0f} |")
        else:
            print(f"{row} step {met[0]} | {met[1]:.1f} | {met[1] / seconds:.1f} |")


if __name__ == "__main__":
    main()
