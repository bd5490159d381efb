"""Measures what messages of several lengths cost at several qualities: PSNR, size, success.

    python experiments/message_length.py ../shared/photos/kodak --crop 512 --first 6

Prints a Markdown table of means over the photos that carried the message.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from inputs import list_files, read_cover
from latentink.errors import CapacityError
from latentink.results import HideOptions, HideReport
from latentink.steganography import hide


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--crop", type=int, default=512)
    parser.add_argument("--first", type=int, default=6, help="photos, evenly spaced")
    parser.add_argument("--lengths", type=int, nargs="+", default=[100, 1000, 2000, 4000])
    parser.add_argument("--qualities", type=float, nargs="+", default=[3, 5, 8])
    parser.add_argument("--decoder")
    arguments = parser.parse_args()
    paths = list_files(arguments.photos)
    chosen = [paths[i * len(paths) // arguments.first] for i in range(arguments.first)]
    covers = [read_cover(path, arguments.crop) for path in chosen]
    print("| quality | bytes | carried | plain | PSNR | file | share of plain file | steps | s |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for quality in arguments.qualities:
        for length in arguments.lengths:
            options = HideOptions(
                channel="pixels", quality=quality, decoder=arguments.decoder, seed=0
            )
            reports = [report(cover, length, options) for cover in covers]
            print(row(quality, length, [r for r in reports if r], len(covers)), flush=True)


def report(cover: np.ndarray, length: int, options: HideOptions) -> HideReport | None:
    """Return the figures of one photo, or None when it does not carry the message."""
    try:
        message = np.random.default_rng(length).bytes(length)
        return hide(cover, message, password="length", options=options).report
    except CapacityError:
        return None


def row(quality: float, length: int, reports: list[HideReport], photos: int) -> str:
    """Return one row of the table."""
    head = f"| {quality:g} | {length:,} | {len(reports)} of {photos} |"
    if not reports:
        return head + " | | | | | |"

    def mean(key: str) -> float:
        return float(np.mean([getattr(r, key) for r in reports]))

    loss = mean("psnr_db") - mean("plain_psnr_db")
    growth = np.mean([r.file_bytes / r.plain_file_bytes - 1 for r in reports])
    share = np.mean([length / r.plain_file_bytes for r in reports])
    return (
        f"{head} {mean('plain_psnr_db'):.2f} dB, {mean('plain_file_bytes') / 1000:.1f} kB | "
        f"{loss:+.2f} dB | {growth:+.1%} | {share:.1%} | {mean('steps'):.0f} | "
        f"{mean('seconds'):.1f} |"
    )


if __name__ == "__main__":
    main()
