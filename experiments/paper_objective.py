"""Measures where the paper's objective leads at several λ5: accuracy, PSNR, rate and each term.

    python experiments/paper_objective.py ../shared/photos/kodak --weights5 2 20 100 5461

Runs the `paper` preset (one bit at each pixel) with a fixed λ5. The figures are those of the
relaxed picture of the last step, whether or not a message could be read from it; terms are in bits
per pixel. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from inputs import list_files, read_cover
from latentink.editing.editor import Progress
from latentink.editing.presets import PAPER, Preset
from latentink.errors import CapacityError
from latentink.results import HideOptions
from latentink.steganography import hide

TERMS = ("rate", "distortion", "perceptual", "adversarial", "variation", "accuracy")


def last_step(cover: np.ndarray, preset: Preset, codec: str, quality: float) -> Progress:
    """Return the last step of one schedule on ``cover`` (H, W, 3)."""
    seen: list[Progress] = []
    options = HideOptions(channel="pixels", codec=codec, quality=quality, preset=preset, seed=0)
    with suppress(CapacityError):
        hide(cover, b"12 bytes 34 ", password="paper", options=options, on_step=seen.append)
    return seen[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--weights5", type=float, nargs="+", default=[PAPER.weights["accuracy"]])
    parser.add_argument("--codec", default="hyperprior")
    parser.add_argument("--quality", type=float, default=5)
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--cell", type=int, default=64, help="side of what critics see, pixels")
    parser.add_argument("--first", type=int, default=2, help="photos")
    parser.add_argument("--steps", type=int, default=PAPER.steps)
    parser.add_argument("--learning-rate", type=float, default=PAPER.learning_rate)
    arguments = parser.parse_args()
    paths = list_files(arguments.photos, arguments.first)
    covers = [read_cover(path, arguments.crop) for path in paths]
    print(f"| λ5 | accuracy | PSNR | {' | '.join(f'{name}, bpp' for name in TERMS)} |")
    print("|---:" * (3 + len(TERMS)) + "|")
    for weight in arguments.weights5:
        preset = replace(
            PAPER,
            weights={**PAPER.weights, "accuracy": weight},
            cell=arguments.cell,
            steps=arguments.steps,
            learning_rate=arguments.learning_rate,
            rounds=1,
        )
        ends = [last_step(c, preset, arguments.codec, arguments.quality) for c in covers]
        terms = [np.mean([end.terms[name] for end in ends]) / arguments.crop**2 for name in TERMS]
        accuracy, psnr = (np.mean([getattr(e, k) for e in ends]) for k in ("accuracy", "psnr_db"))
        figures = " | ".join(f"{value:.3f}" for value in terms)
        print(f"| {weight:g} | {accuracy:.1%} | {psnr:.2f} dB | {figures} |", flush=True)


if __name__ == "__main__":
    main()
