"""Measures what the encoder's coins cost, how much they carry, and that messages of 3.5 % fit.

    python experiments/exact_room.py ../shared/photos/kodak --csv docs/results/exact_kodak512.csv

For each photo, codec and quality: a file whose encoder always rounds to the nearest symbol, plain
files with coins, the room of the exact coding, and a message of 3.5 % of the plain file, hidden and
revealed. Prints a Markdown table of means, and of the worst photo in brackets.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from inputs import list_files, message_for, read_centre, smoothest
from latentink import HideOptions, capacity, compress, hide, reveal
from latentink.codecs.file_coding import pack_latents
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS
from latentink.errors import CapacityError
from latentink.picture import psnr_db, to_picture, to_tensor


def without_coins(cover: np.ndarray, name: str, quality: float) -> tuple[int, float]:
    """Return bytes and PSNR of the file whose symbols are the nearest."""
    codec = load_codec(name)
    code = codec.quality_code(quality)
    v = codec.analyse(to_tensor(cover), code)
    latents = codec.quantise(v, codec.hyper_analyse(v), code)
    size = cover.shape[0], cover.shape[1]
    picture = to_picture(codec.synthesise(latents.values, code, size))
    return len(pack_latents(codec.entropy, latents, size)), psnr_db(cover, picture)


def measure(cover: np.ndarray, photo: str, name: str, quality: float, share: float) -> dict:
    """Return a row."""
    nearest_bytes, nearest_psnr = without_coins(cover, name, quality)
    plain = compress(cover, codec=name, quality=quality).report
    room = capacity(cover, codec=name, quality=quality)
    row: dict = {
        "photo": photo,
        "codec": name,
        "quality": quality,
        "file": plain.file_bytes,
        "growth": 100 * (plain.file_bytes / nearest_bytes - 1),
        "loss": plain.psnr_db - nearest_psnr,
        "room": 100 * room.exact_bytes / plain.file_bytes,
        "exact": False,
    }
    message = message_for(photo, int(share / 100 * plain.file_bytes))
    started = time.monotonic()
    try:
        options = HideOptions(codec=name, quality=quality, exact=True)
        result = hide(cover, message, password=photo, options=options)
    except CapacityError:
        return row
    row["seconds"] = time.monotonic() - started
    row["stego_growth"] = 100 * (result.report.file_bytes / plain.file_bytes - 1)
    row["stego_loss"] = result.report.psnr_db - plain.psnr_db
    row["exact"] = reveal(result.data, password=photo) == message
    return row


def table(rows: pd.DataFrame) -> str:
    """Return means by codec and quality as Markdown."""
    lines = []
    for (codec, quality), own in rows.groupby(["codec", "quality"], sort=False):
        lines.append(
            {
                "codec": codec,
                "quality": quality,
                "photos": len(own),
                "file, coins": f"{own.growth.mean():+.2f} % ({own.growth.max():+.2f} %)",
                "PSNR, coins": f"{own.loss.mean():+.3f} dB ({own.loss.min():+.3f} dB)",
                "room": f"{own.room.mean():.1f} % ({own.room.min():.1f} %)",
                "exact": f"{int(own.exact.sum())} of {len(own)}",
                "file, message": f"{own.stego_growth.mean():+.2f} %",
                "PSNR, message": f"{own.stego_loss.mean():+.3f} dB",
                "seconds": f"{own.seconds.median():.1f}",
            }
        )
    head = [f"| {' | '.join(lines[0])} |", "|---" * len(lines[0]) + "|"]
    return "\n".join(head + [f"| {' | '.join(map(str, line.values()))} |" for line in lines])


def main() -> None:
    """Measure all photos and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=512, help="sides of the central crop, at most")
    parser.add_argument("--smooth", type=int, help="only so many photos, the smoothest")
    parser.add_argument("--codecs", nargs="+", default=list(CODECS))
    parser.add_argument("--qualities", type=float, nargs="+", default=[3, 5])
    parser.add_argument("--share", type=float, default=3.5, help="message in percent of the file")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    files = list_files(options.folder)
    rows = []
    for path in smoothest(files, options.smooth) if options.smooth else files:
        cover = read_centre(path, options.side)
        for codec in options.codecs:
            for quality in options.qualities:
                rows.append(measure(cover, path.stem, codec, quality, options.share))
                print(rows[-1], flush=True)
    frame = pd.DataFrame(rows)
    if options.csv:
        frame.to_csv(options.csv, index=False, float_format="%.4f")
    print(table(frame))


if __name__ == "__main__":
    main()
