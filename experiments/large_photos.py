"""Measures time and peak memory of whole commands on large mosaics of a folder's photos.

    python experiments/large_photos.py ../shared/photos/kodak --megapixels 12 24

Prints a Markdown table of each command's seconds and peak memory.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from inputs import list_files
from latentink.picture import encode_png, read_picture


def mosaic(pictures: list[np.ndarray], megapixels: float) -> np.ndarray:
    """Return a 4:3 picture (H, W, 3) of about ``megapixels``, filled with ``pictures`` in turn."""
    height = math.ceil(math.sqrt(megapixels * 1e6 * 3 / 4))
    width = math.ceil(height * 4 / 3)
    landscape = [p if p.shape[1] >= p.shape[0] else np.rot90(p) for p in pictures]
    rows, columns = math.ceil(height / 512), math.ceil(width / 768)
    lines = [
        np.concatenate([landscape[(r * columns + c) % len(landscape)] for c in range(columns)], 1)
        for r in range(rows)
    ]
    return np.concatenate(lines)[:height, :width]


def measured(*arguments: str | Path) -> tuple[float, float]:
    """Return wall seconds and peak memory (GB) of one command; raises when it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "latentink", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"latentink {arguments[0]} ended with status {status}")
    return time.monotonic() - started, usage.ru_maxrss / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[12, 24])
    parser.add_argument("--bytes", type=int, default=1000, dest="length")
    arguments = parser.parse_args()
    pictures = [read_picture(path) for path in list_files(arguments.photos)]
    message = np.random.default_rng(0).bytes(arguments.length)
    print("| photo | command | seconds | peak GB |\n|---|---|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cover, lik, png, back = (folder / n for n in ("cover.png", "s.lik", "s.png", "back"))
        (folder / "message").write_bytes(message)
        for megapixels in arguments.megapixels:
            picture = mosaic(pictures, megapixels)
            cover.write_bytes(encode_png(picture))
            size = f"{picture.shape[1]}×{picture.shape[0]}"
            for label, command in (
                ("hide", ("hide", cover, "-o", lik, "-f", folder / "message", "-p", "large")),
                ("reveal", ("reveal", lik, "-p", "large", "-o", back)),
                ("decompress", ("decompress", lik, "-o", png)),
                ("reveal PNG", ("reveal", png, "-p", "large", "-o", back)),
            ):
                seconds, memory = measured(*command)
                print(f"| {size} | {label} | {seconds:.1f} | {memory:.2f} |", flush=True)
                if label.startswith("reveal") and back.read_bytes() != message:
                    raise RuntimeError("the message did not come back")


if __name__ == "__main__":
    main()
