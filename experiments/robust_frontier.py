"""Draws how many bytes an ordinary picture carries through JPEG, by PSNR and JPEG quality.

    python experiments/robust_frontier.py ../shared/photos/kodak --first 4 \
        --csv docs/results/robust_frontier.csv --figure docs/robust_frontier.png

For each photo, JPEG quality and least PSNR, finds by trying the longest message that survives this
encoder alone, as ``capacity --survive`` does for a profile. Writes a row for each, and prints and
draws means; goes on where the CSV ends.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from inputs import list_files
from latentink import PictureOptions, capacity_of_picture
from latentink.attacks.attack import Attack, jpeg
from latentink.attacks.profiles import PROFILES
from latentink.benchmark.extras import import_pyplot
from latentink.picture import read_picture

COLUMNS = ["photo", "jpeg_quality", "least_psnr", "bytes"]


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=4)
    parser.add_argument("--qualities", type=int, nargs="+", default=[30, 50, 75, 90])
    parser.add_argument("--psnr", type=float, nargs="+", default=[38, 41, 44, 47])
    parser.add_argument("--csv", type=Path, default=Path("robust_frontier.csv"))
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    rows = pd.read_csv(options.csv) if options.csv.exists() else pd.DataFrame(columns=COLUMNS)
    done = set(rows[COLUMNS[:3]].itertuples(index=False, name=None))
    for quality in options.qualities:
        name = f"JPEG {quality}"
        PROFILES[name] = (Attack(name, (jpeg(quality),)),)
        for path in list_files(options.folder, options.first):
            for psnr in options.psnr:
                if (path.name, quality, psnr) in done:
                    continue
                room = capacity_of_picture(read_picture(path), PictureOptions(name), psnr)
                row = pd.DataFrame([[path.name, quality, psnr, room]], columns=COLUMNS)
                rows = row if rows.empty else pd.concat([rows, row], ignore_index=True)
                rows.to_csv(options.csv, index=False)
    means = rows.pivot_table(index="least_psnr", columns="jpeg_quality", values="bytes")
    print("| PSNR at least |", " | ".join(f"JPEG {quality}" for quality in means.columns), "|")
    print("|---:|" + "---:|" * len(means.columns))
    for psnr, own in means.iterrows():
        print(f"| {psnr:g} dB |", " | ".join(f"{count:,.0f}" for count in own), "|")
    if options.figure:
        draw(means, options.figure)


def draw(means: pd.DataFrame, path: Path) -> None:
    """Draw bytes against PSNR, a curve for each JPEG quality."""
    pyplot = import_pyplot()
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for quality in means.columns:
        axes.plot(means.index, means[quality], marker="o", label=f"JPEG {quality}")
    axes.set(xlabel="PSNR at least, dB", ylabel="bytes that come back", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
