"""Compares relaxations of rounding, optimisers and presets on the same messages.

    python experiments/relaxations.py ../shared/photos/kodak --csv docs/results/relaxations.csv

A variant is `balanced` with one thing changed. Prints a Markdown table. "Cost" is what the message
adds to R + λ1·L_recon of the finished file, compared with the plain one, in bits per bit of the
message: smaller is better. It counts both a larger file and a worse picture.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from inputs import list_files, read_cover
from latentink.codecs.gains import lagrangian
from latentink.editing.presets import BALANCED, FAST, Preset
from latentink.errors import CapacityError
from latentink.results import HideOptions, HideReport
from latentink.steganography import hide

LBFGS = replace(BALANCED, optimiser="lbfgs", learning_rate=1.0, final_learning_rate=1.0, steps=20)
VARIANTS: dict[str, Preset] = {
    "`balanced`: rounding straight through, rate with noise": BALANCED,
    "`fast`: a third of the steps": FAST,
    "noise for both, as in the paper": replace(BALANCED, synthesis_relaxation="additive_noise"),
    "soft rounding for both": replace(
        BALANCED, synthesis_relaxation="soft_rounding", rate_relaxation="soft_rounding"
    ),
    "straight through, rate with soft rounding": replace(BALANCED, rate_relaxation="soft_rounding"),
    "straight through for both": replace(BALANCED, rate_relaxation="straight_through"),
    "Gumbel annealing for both": replace(
        BALANCED, synthesis_relaxation="gumbel_annealing", rate_relaxation="gumbel_annealing"
    ),
    "L-BFGS": LBFGS,
    "L-BFGS, soft rounding for both": replace(
        LBFGS, synthesis_relaxation="soft_rounding", rate_relaxation="soft_rounding"
    ),
}
_COLUMNS = ("variant", "photo", "loss_db", "growth", "cost", "steps", "seconds")


def cost(report: HideReport, message_bits: int) -> float:
    """Return what a message bit adds to R + λ1·L_recon, bits."""

    def squared_error(psnr_db: float) -> float:
        return 255**2 * 10 ** (-psnr_db / 10)

    assert report.plain_psnr_db is not None  # No message in pixels is hidden by proof.
    pixels = report.height * report.width
    error = squared_error(report.psnr_db) - squared_error(report.plain_psnr_db)
    rate = 8 * (report.file_bytes - report.plain_file_bytes)
    return (rate + lagrangian(report.quality) * error * pixels) / message_bits


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--crop", type=int, default=512)
    parser.add_argument("--first", type=int, default=8)
    parser.add_argument("--bytes", type=int, default=1000)
    parser.add_argument("--quality", type=float, default=5)
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    message = np.random.default_rng(0).bytes(arguments.bytes)
    rows = []
    for path in track(list_files(arguments.photos, arguments.first), "photos"):
        cover = read_cover(path, arguments.crop)
        for name, preset in VARIANTS.items():
            options = HideOptions(
                channel="pixels", quality=arguments.quality, preset=preset, seed=0
            )
            try:
                report = hide(cover, message, password="relaxations", options=options).report
            except CapacityError:
                rows.append((name, path.name, *[np.nan] * 5))
                continue
            growth = 100 * (report.file_bytes / report.plain_file_bytes - 1)
            price = cost(report, 8 * len(message))
            assert report.plain_psnr_db is not None
            loss = report.psnr_db - report.plain_psnr_db
            rows.append((name, path.name, loss, growth, price, report.steps, report.seconds))
        table = pd.DataFrame(rows, columns=_COLUMNS)
        if arguments.csv:
            table.round(4).to_csv(arguments.csv, index=False)
    print("| variant | carried | PSNR | file | cost | steps | seconds |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, group in table.groupby("variant", sort=False):
        mean = group.mean(numeric_only=True)
        print(
            f"| {name} | {group.cost.notna().sum()} of {len(group)} | {mean.loss_db:+.2f} dB | "
            f"{mean.growth:+.1f} % | {mean.cost:.2f} | {mean.steps:.0f} | "
            f"{group.seconds.median():.1f} |"
        )


if __name__ == "__main__":
    main()
