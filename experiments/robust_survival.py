"""Measures which messages come back from ordinary pictures after each attack of a profile.

    python experiments/robust_survival.py --photos ../shared/photos/kodak ../shared/photos/coco
        --first 24 --survive messenger --bytes 96 --csv docs/results/robust.csv

Each photo carries random bytes in a PNG; the finished file goes through each attack anew and is
revealed by the receiver's code. ``--crop`` and ``--enlarge`` make other sizes: mosaics and smooth
enlargements of 12 megapixels. Attacks beyond the profile are tried as well and not counted. Prints
a Markdown table; rows are added to the CSV file, and photos that are in it already are left out.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from inputs import list_files, message_for
from latentink import PictureOptions, hide_in_picture
from latentink.attacks.attack import Attack, jpeg, webp
from latentink.attacks.profiles import PROFILES, attacks_of
from latentink.errors import CapacityError, MessageNotFoundError
from latentink.ordinary_pictures import reveal_from_picture
from latentink.payload.keys import KeyRing
from latentink.picture import read_picture

BEYOND = (
    Attack("×0.5, WebP 60", (webp(60),), scale=0.5),
    Attack("×0.35, JPEG 75", (jpeg(75),), scale=0.35),
    Attack("JPEG 30", (jpeg(30),)),
    Attack("cut 2 %", (lambda image: _cut(image, 0.02),)),
    Attack("cut 5 %", (lambda image: _cut(image, 0.05),)),
    Attack("turned by 1°", (lambda image: image.rotate(1, Image.Resampling.BICUBIC),)),
)
PASSWORD = "a password of the experiment"
RING = KeyRing(PASSWORD)
"""Keys are derived once for all photos; `reveal_s` is without scrypt."""


def _cut(image: Image.Image, share: float) -> Image.Image:
    across, down = round(image.width * share), round(image.height * share)
    return image.crop((across, down, image.width - across, image.height - down))


def enlarged(photo: np.ndarray, pixels: int) -> np.ndarray:
    """Return a photo enlarged to about so many pixels."""
    factor = (pixels / (photo.shape[0] * photo.shape[1])) ** 0.5
    size = round(photo.shape[1] * factor), round(photo.shape[0] * factor)
    return np.array(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))


def mosaic(photos: list[np.ndarray]) -> np.ndarray:
    """Return photos of the size 512×768 as tiles of one of about 12 megapixels."""
    tiles = [p if p.shape[0] == 512 else np.rot90(p) for p in photos]
    rows = [np.hstack([tiles[(5 * row + k) % len(tiles)] for k in range(5)]) for row in range(6)]
    return np.ascontiguousarray(np.vstack(rows))


def covers(options: argparse.Namespace) -> list[tuple[str, np.ndarray]]:
    """Return names and pictures."""
    files = [path for folder in options.photos for path in list_files(folder, options.first)]
    photos = [(path.stem, read_picture(path)) for path in files]
    if options.mosaics:
        same = [photo for _, photo in photos if sorted(photo.shape[:2]) == [512, 768]]
        starts = range(0, 4 * options.mosaics, 4)
        return [(f"mosaic{k}", mosaic(same[k:] + same[:k])) for k in starts]
    if options.enlarge:
        return [(f"{name}_large", enlarged(photo, options.enlarge)) for name, photo in photos]
    large = [pair for pair in photos if pair[1].shape[0] * pair[1].shape[1] >= options.least_pixels]
    return large


def comes_back(picture: np.ndarray, message: bytes) -> bool:
    """Return whether the receiver reads the message."""
    try:
        return reveal_from_picture(picture, RING) == message
    except MessageNotFoundError:
        return False


def measure(name: str, photo: np.ndarray, length: int, survive: str) -> dict:
    """Return a row: figures, and for each attack whether the message came back."""
    height, width = photo.shape[:2]
    row: dict = {"photo": name, "height": height, "width": width, "bytes": length}
    row |= {"survive": survive, "refused": False}
    message = message_for(name, length)
    started = time.monotonic()
    try:
        result = hide_in_picture(photo, message, password=PASSWORD, options=PictureOptions(survive))
    except CapacityError:
        return row | {"refused": True}
    row |= {"hide_s": time.monotonic() - started, "psnr": result.report.psnr_db}
    started = time.monotonic()
    row["lossless copy"] = comes_back(result.picture, message)
    row["reveal_s"] = time.monotonic() - started
    for attack in (*attacks_of(survive, (height, width)), *BEYOND):
        row[attack.name] = comes_back(attack.apply(result.picture), message)
    return row


def table(rows: pd.DataFrame) -> str:
    """Return a Markdown table: a line for each profile and length."""
    lines = ["| profile | bytes | photos | refused | PSNR (worst) | hide, reveal | lost | beyond |"]
    lines.append("|---|---:|---:|---:|---|---|---|---|")
    beyond = [attack.name for attack in BEYOND]
    for (survive, length), own in rows.groupby(["survive", "bytes"], sort=False):
        sent = own[~own.refused]
        names = ["lossless copy", *(attack.name for attack in PROFILES[survive])]
        lost = []
        for name in (name for name in names if name in sent):
            tried = sent[name].dropna()
            if not tried.astype(bool).all():
                lost.append(f"{name}: {int((~tried.astype(bool)).sum())}")
        after = [f"{name} {sent[name].mean():.0%}" for name in beyond if name in sent]
        cells = (
            survive,
            f"{length:,}",
            len(own),
            int(own.refused.sum()),
            f"{sent.psnr.mean():.1f} dB ({sent.psnr.min():.1f} dB)",
            f"{sent.hide_s.median():.1f} s, {sent.reveal_s.median():.1f} s",
            "; ".join(lost) or "none",
            "; ".join(after),
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--first", type=int, help="of each folder")
    parser.add_argument("--least-pixels", type=int, default=0)
    parser.add_argument("--enlarge", type=int, help="pixels to which photos are enlarged")
    parser.add_argument("--mosaics", type=int, help="make so many mosaics of Kodak photos")
    parser.add_argument("--survive", default="messenger", choices=PROFILES)
    parser.add_argument("--bytes", type=int, default=96)
    parser.add_argument("--csv", type=Path, required=True)
    options = parser.parse_args()
    rows = pd.read_csv(options.csv).to_dict("records") if options.csv.exists() else []
    done = {(row["photo"], row["bytes"], row["survive"]) for row in rows}
    for name, photo in covers(options):
        if (name, options.bytes, options.survive) in done:
            continue
        rows.append(measure(name, photo, options.bytes, options.survive))
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(options.csv, index=False, float_format="%.3f")
    print(table(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
