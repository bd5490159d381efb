"""Hides a message at every whole quality of every codec, and reveals it.

    python experiments/every_quality.py ../shared/photos/kodak --first 8 --crop 512 --bytes 500

Hides and reveals in one process; a photo that refuses the message counts as not carried. Prints a
Markdown table of means and writes a row for each photo.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

from inputs import PASSWORD, list_files, message_for, read_cover
from latentink import HideOptions, compress, hide, reveal
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS
from latentink.errors import CapacityError


def measure(
    path: Path, crop: int | None, length: int, codec: str, quality: int, channel: str
) -> dict:
    """Return a row: whether the message came back, and what it cost."""
    message, cover = message_for(path.name, length), read_cover(path, crop)
    row: dict = {"codec": codec, "quality": quality, "photo": path.name, "exact": False}
    started = time.monotonic()
    options = HideOptions(codec=codec, quality=quality, channel=channel, seed=0)
    try:
        result = hide(cover, message, password=PASSWORD, options=options)
    except CapacityError:
        return row
    seconds = time.monotonic() - started
    report, plain = result.report, compress(cover, codec=codec, quality=quality, seed=0).report
    return row | {
        "exact": reveal(result.data, password=PASSWORD) == message,
        "plain_psnr": plain.psnr_db,
        "psnr": report.psnr_db,
        "plain_bytes": plain.file_bytes,
        "bytes": report.file_bytes,
        "steps": report.steps,
        "seconds": seconds,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--first", type=int, default=8)
    parser.add_argument("--crop", type=int, default=512)
    parser.add_argument("--bytes", type=int, default=500, dest="length")
    parser.add_argument("--codec", nargs="+", default=list(CODECS), choices=CODECS)
    parser.add_argument("--qualities", type=int, nargs="+", help="all whole ones by default")
    parser.add_argument("--channel", default="pixels", choices=("pixels", "latents"))
    parser.add_argument("--csv", type=Path, default=Path("every_quality.csv"))
    arguments = parser.parse_args()
    photos = list_files(arguments.photos, arguments.first)
    rows = []
    print("| codec | quality | exact | plain | PSNR | file | steps | s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for codec in arguments.codec:
        low, *_, high = load_codec(codec).qualities
        for quality in arguments.qualities or range(int(low), int(high) + 1):
            own = [
                measure(photo, arguments.crop, arguments.length, codec, quality, arguments.channel)
                for photo in photos
            ]
            rows += own
            pd.DataFrame(rows).round(4).to_csv(arguments.csv, index=False)
            print(summary(codec, quality, pd.DataFrame(own)), flush=True)


def summary(codec: str, quality: int, table: pd.DataFrame) -> str:
    """Return the Markdown row of one codec and quality."""
    exact = f"{int(table.exact.sum())} of {len(table)}"
    if "psnr" not in table:
        return f"| {codec} | {quality} | {exact} | | | | | |"
    carried = table.dropna(subset=["psnr"])
    plain = f"{carried.plain_psnr.mean():.2f} dB, {carried.plain_bytes.mean() / 1000:.1f} kB"
    growth = carried.bytes.sum() / carried.plain_bytes.sum() - 1
    return (
        f"| {codec} | {quality} | {exact} | {plain} | "
        f"{(carried.psnr - carried.plain_psnr).mean():+.2f} dB | {growth:+.1%} | "
        f"{carried.steps.mean():.0f} | {carried.seconds.mean():.1f} |"
    )


if __name__ == "__main__":
    main()
