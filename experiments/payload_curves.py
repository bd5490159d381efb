"""Draws rate against PSNR for several payloads: plain files and both channels.

    python experiments/payload_curves.py --results docs/results --figure docs/payload_curves.png

Draws what every_quality.py and latents_channel.py have measured, as means over the photos that all
curves of a codec have in common. A point is a quality that the user asked for. The distance between
a curve and that of the plain files is the cost of the message.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from latentink.benchmark.extras import import_pyplot

PIXELS = 512 * 512


def curves(results: Path, codec: str) -> dict[str, pd.DataFrame]:
    """Return mean ``bpp`` and ``psnr`` by quality, for each curve of a codec."""
    every = pd.read_csv(results / f"every_quality_{codec}.csv")
    symbols = pd.read_csv(results / "every_quality_latents.csv").query("codec == @codec")
    parts = {
        "plain": every.assign(bpp=8 * every.plain_bytes / PIXELS, psnr=every.plain_psnr),
        "pixels, 500 bytes": every.assign(bpp=8 * every.bytes / PIXELS),
        "latents, 500 bytes": symbols.assign(bpp=8 * symbols.bytes / PIXELS),
    }
    long = pd.read_csv(results / "latents_kodak512.csv").query("codec == @codec")
    for length, rows in long.groupby("bytes"):
        parts[f"latents, {length:,} bytes"] = rows
    common = set.intersection(*(set(part.photo) for part in parts.values()))
    kept = {name: part[part.photo.isin(common)] for name, part in parts.items()}
    return {name: part.groupby("quality")[["bpp", "psnr"]].mean() for name, part in kept.items()}


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--codec", default="hyperprior")
    parser.add_argument("--figure", type=Path, default=Path("payload_curves.png"))
    arguments = parser.parse_args()
    pyplot = import_pyplot()
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for name, means in curves(arguments.results, arguments.codec).items():
        style = "k.-" if name == "plain" else ".--" if name.startswith("pixels") else ".-"
        axes.plot(means.bpp, means.psnr, style, label=name, markersize=8)
    axes.set(xlabel="bits per pixel, whole file", ylabel="PSNR, dB", title=arguments.codec)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(arguments.figure, dpi=120)


if __name__ == "__main__":
    main()
