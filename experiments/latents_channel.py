"""Measures what messages in the latents channel cost, and whether the symbols show them.

    python experiments/latents_channel.py ../shared/photos/kodak --crop 512

For each photo, quality and length, hides a message, reveals it from the file's bytes, and compares
the file with plain files of the same photo. Prints a Markdown table of means:

* "share": the bytes of the messages divided by the bytes that the files have beyond plain files of
  equal PSNR, which are interpolated between the photo's plain files at qualities 1 to 8;
* "excess": the mean cost of a symbol whose scale is at least 1 beyond the entropy of its
  distribution, in bits, in plain and stego files of the same quality. An analyst who has the codec
  but no key can compute it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from inputs import PASSWORD, list_files, message_for, read_cover
from latentink import HideOptions, compress, hide, reveal
from latentink.codecs.codec import Codec
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS
from latentink.container import QUALITY_UNIT, unpack
from latentink.errors import CapacityError
from latentink.metrics.excess_code_length import mean_excess_bits


def plain_curve(cover: np.ndarray, name: str, codec: Codec) -> tuple[list[float], list[float]]:
    """Return PSNR and file bits of the plain files at all whole qualities."""
    low, high = int(codec.qualities[0]), int(codec.qualities[-1])
    reports = [compress(cover, codec=name, quality=q, seed=0).report for q in range(low, high + 1)]
    return [r.psnr_db for r in reports], [8.0 * r.file_bytes for r in reports]


def measure(
    cover: np.ndarray,
    photo: str,
    name: str,
    quality: float,
    length: int,
    curve: tuple[list[float], list[float]],
) -> dict:
    """Return a row: whether the message came back, and what it cost."""
    codec = load_codec(name)
    message = message_for(photo, length)
    options = HideOptions(codec=name, quality=quality, channel="latents", seed=0)
    row: dict = {"codec": name, "quality": quality, "bytes": length, "photo": photo, "exact": False}
    started = time.monotonic()
    try:
        result = hide(cover, message, password=PASSWORD, options=options)
    except CapacityError:
        return row
    report = result.report
    seconds = time.monotonic() - started
    chosen = unpack(result.data).quality_code * QUALITY_UNIT
    plain = compress(cover, codec=name, quality=chosen, seed=0)
    at_equal_psnr = float(np.interp(report.psnr_db, *curve))
    as_asked = compress(cover, codec=name, quality=quality, seed=0).report
    beyond = 8 * report.file_bytes - at_equal_psnr
    return row | {
        "exact": reveal(result.data, password=PASSWORD) == message,
        "chosen_quality": chosen,
        "psnr": report.psnr_db,
        "bpp": report.bpp,
        "plain_psnr": as_asked.psnr_db,
        "plain_bpp": as_asked.bpp,
        "payload_bpp": report.payload_bpp,
        "beyond_bits": beyond,
        "plain_excess": mean_excess_bits(codec.entropy, plain.data),
        "excess": mean_excess_bits(codec.entropy, result.data),
        "seconds": seconds,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--first", type=int)
    parser.add_argument("--crop", type=int)
    parser.add_argument("--codec", default="hyperprior", choices=CODECS)
    parser.add_argument("--qualities", type=float, nargs="+", default=[3, 5, 7])
    parser.add_argument("--lengths", type=int, nargs="+", default=[1000, 8000, 21300])
    parser.add_argument("--csv", type=Path, default=Path("latents_channel.csv"))
    arguments = parser.parse_args()
    rows = []
    for path in list_files(arguments.photos, arguments.first):
        cover = read_cover(path, arguments.crop)
        curve = plain_curve(cover, arguments.codec, load_codec(arguments.codec))
        for quality in arguments.qualities:
            for length in arguments.lengths:
                rows.append(measure(cover, path.name, arguments.codec, quality, length, curve))
        pd.DataFrame(rows).round(4).to_csv(arguments.csv, index=False)
    print("| quality | bytes | exact | plain | stego | share | excess, plain and stego | s |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for (quality, length), own in pd.DataFrame(rows).groupby(["quality", "bytes"]):
        mean = own.mean(numeric_only=True)
        share = 8 * length * own.exact.sum() / own.beyond_bits.sum()
        print(
            f"| {quality:g} | {length:,} | {int(own.exact.sum())} of {len(own)} | "
            f"{mean.plain_bpp:.3f} bpp, {mean.plain_psnr:.2f} dB | "
            f"{mean.bpp:.3f} bpp, {mean.psnr:.2f} dB | {share:.0%} | "
            f"{mean.plain_excess:+.3f}, {mean.excess:+.3f} | {own.seconds.median():.1f} |"
        )


if __name__ == "__main__":
    main()
