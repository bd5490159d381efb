"""Every method on photos, beside the paper's rows: accuracy, PSNR, rate, seconds.

    python benchmarks/methods.py ../shared/photos/kodak --crop 512 --first 8 --paper MSCOCO
    python benchmarks/methods.py ../shared/photos/faces --crop 192 --first 4 --paper CelebA

Random bits, one at each pixel where the method has a choice. Rows that differ only in how one and
the same picture is saved share the search for it, and its seconds. Results go to a CSV as they
come; rows that are there already are not measured again. Prints a Markdown table of means.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from covers import centre_crop
from latentink.benchmark.paper import paper_row
from latentink.benchmark.runner import Sharing
from latentink.methods.method import random_bits
from latentink.methods.registry import load_method, method_entries
from latentink.metrics.distortion import picture_psnr_db
from latentink.metrics.raw_bits import raw_accuracy, rsbpp, shannon_bpp
from latentink.picture import read_picture

METHODS = [name for name in method_entries() if not name.endswith(("base-1", "base-2"))]


def measure(name: str, cover: np.ndarray, sharing: Sharing) -> dict:
    """Return a row of figures of one method on one cover."""
    method = load_method(name)
    bits = random_bits(method.bits_shape(cover), 1)
    stego, seconds = sharing.embed(method, bits, seed=0)
    stego = method.load(stego.data)
    pixels = cover.shape[0] * cover.shape[1]
    row = {
        "psnr": picture_psnr_db(cover, stego.picture),
        "bpp": 8 * len(stego.data) / pixels,
        "density": bits.size / pixels,
        "seconds": seconds,
    }
    if not method.simulated:
        row["accuracy"] = raw_accuracy(method.extract(stego), bits)
    return row


def beside(dataset: str, name: str) -> str:
    """Return accuracy, PSNR and rate of the paper's row, or nothing where it has none."""
    row = paper_row(dataset, name)
    if row is None:
        return ""
    return f"{row.accuracy:.2%}, {row.psnr_db:.2f} dB, {row.bpp:.2f} bpp"


def summary(name: str, table: pd.DataFrame, paper: str) -> str:
    """Return the Markdown row of one method."""
    mean = table.mean(numeric_only=True)
    figures = f"{mean.psnr:.2f} dB | {mean.bpp:.3f}"
    if not np.isfinite(mean.get("accuracy", np.nan)):
        return f"| {name} | simulated | {figures} | | | {mean.seconds:.1f} | {paper} |"
    rate = rsbpp(mean.accuracy, mean.density) / mean.bpp
    shannon = np.mean(
        [
            shannon_bpp(a, d) / b
            for a, d, b in zip(table.accuracy, table.density, table.bpp, strict=True)
        ]
    )
    rates = f"{rate:.4f} | {shannon:.4f}"
    return f"| {name} | {mean.accuracy:.2%} | {figures} | {rates} | {mean.seconds:.1f} | {paper} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--first", type=int, default=8)
    parser.add_argument("--crop", type=int, default=512)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--paper", default="MSCOCO", help="the paper's dataset to print beside")
    parser.add_argument("--csv", type=Path, default=Path("methods.csv"))
    arguments = parser.parse_args()
    paths = sorted(arguments.photos.iterdir())[: arguments.first]
    rows = pd.read_csv(arguments.csv).to_dict("records") if arguments.csv.exists() else []
    done = {(row["method"], row["photo"]) for row in rows}
    for path in track(paths, "photos"):
        cover = centre_crop(read_picture(path), arguments.crop)
        sharing = Sharing(cover)
        for name in arguments.methods:
            if (name, path.name) not in done:
                rows.append({"method": name, "photo": path.name, **measure(name, cover, sharing)})
                pd.DataFrame(rows).round(5).to_csv(arguments.csv, index=False)
    table = pd.DataFrame(rows)
    print("| method | accuracy | PSNR | bpp | RSBPP rate | Shannon rate | s | the paper |")
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    for name in arguments.methods:
        print(summary(name, table[table.method == name], beside(arguments.paper, name)))


if __name__ == "__main__":
    main()
