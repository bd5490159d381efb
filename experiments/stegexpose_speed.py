"""Measures how many milliseconds StegExpose's detectors take for a picture, in one process.

    python experiments/stegexpose_speed.py ../shared/stegexpose/images

Prints a Markdown table of means over the folder's pictures, each the fastest of repeated runs: by
the clock, and by processor time, on which other programs have little influence.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from inputs import list_files
from latentink.picture import read_picture
from latentink.steganalysis.stegexpose import DETECTORS, Analysis, analyse

ORIGINAL_MS = 470
"""What the original is said to take for a picture of that folder in default mode."""


def milliseconds(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the fastest run of ``work``: by the clock, by the processor's time."""
    clock, processor = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    return 1000 * min(clock), 1000 * min(processor)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=25)
    options = parser.parse_args()
    files = list_files(options.folder)
    pictures = [read_picture(path) for path in files]

    def each(examine: Callable[[np.ndarray], object]) -> list[Callable[[], object]]:
        return [partial(examine, picture) for picture in pictures]

    rows: dict[str, list[Callable[[], object]]] = {
        "reading the file": [partial(read_picture, path) for path in files],
        **{f"`{name}`": each(detector) for name, detector in DETECTORS.items()},
        "default mode": each(analyse),
        "fast mode": each(partial(analyse, mode="fast")),
        "default mode with reading": [partial(read_and_analyse, path) for path in files],
    }
    megapixels = sum(picture.shape[0] * picture.shape[1] for picture in pictures) / 1e6
    print(f"{len(pictures)} pictures, {megapixels / len(pictures):.2f} megapixels on average\n")
    print("| | ms, clock | ms, processor | times faster than the original, by either |")
    print("|---|---:|---:|---:|")
    for name, works in rows.items():
        clock, processor = np.mean([milliseconds(work, options.repeats) for work in works], axis=0)
        faster = f"{ORIGINAL_MS / clock:.0f}, {ORIGINAL_MS / processor:.0f}"
        faster = faster if name.startswith("default") else ""
        print(f"| {name} | {clock:.1f} | {processor:.1f} | {faster} |")


def read_and_analyse(path: Path) -> Analysis:
    """Return what the detectors say of a file in default mode."""
    return analyse(read_picture(path))


if __name__ == "__main__":
    main()
