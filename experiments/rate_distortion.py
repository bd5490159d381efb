"""Measures rate and distortion of plain files, real sizes and 8-bit pictures, beside other codecs.

    python experiments/rate_distortion.py ../shared/photos/kodak --out docs/results/kodak.csv

Writes a row for each photo, codec and setting. Prints the means and the BD-rates (Bjøntegaard: the
mean difference of the rate at equal PSNR between the curves of means, over the range that they
share), and draws the curves with ``--figure``. JPEG is Pillow's at 4:2:0; WebP and AVIF are
Pillow's, if it has them. The published curve is CompressAI's, of the full-size hyperprior.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bjontegaard
import numpy as np
import pandas as pd
from PIL import Image, features
from rich.progress import track

from inputs import list_files, read_cover
from latentink.benchmark.extras import import_pyplot
from latentink.picture import decode_picture, psnr_db
from latentink.steganography import compress

OURS = ("hyperprior", "elic")
PUBLISHED = "published hyperprior"
# Ballé et al. 2018 as trained by CompressAI, qualities 3 to 8, 24 Kodak photos.
PUBLISHED_POINTS = [
    (0.320, 30.97),
    (0.478, 32.84),
    (0.669, 34.53),
    (0.939, 36.74),
    (1.259, 38.58),
    (1.660, 40.56),
]
SETTINGS = {
    "JPEG": (10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 85, 90, 93),
    "WebP": (5, 20, 35, 50, 65, 75, 82, 88, 92, 95),
    "AVIF": (30, 40, 50, 57, 64, 70, 76, 82, 87, 91),
}


def ours(codec: str, weights: Path | None) -> Callable[[np.ndarray, float], tuple[int, float]]:
    """Return a function of picture and quality that gives bytes and PSNR of one of our codecs."""

    def measure(picture: np.ndarray, quality: float) -> tuple[int, float]:
        report = compress(picture, codec=codec, weights=weights, quality=quality, seed=0).report
        return report.file_bytes, report.psnr_db

    return measure


def pillow(name: str) -> Callable[[np.ndarray, float], tuple[int, float]]:
    """Return the same for a format that Pillow writes."""
    more: dict[str, dict[str, Any]] = {
        "JPEG": {"subsampling": "4:2:0", "optimize": True},
        "WebP": {"method": 6},
        "AVIF": {},
    }

    def measure(picture: np.ndarray, quality: float) -> tuple[int, float]:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, name, quality=int(quality), **more[name])
        data = buffer.getvalue()
        return len(data), psnr_db(picture, decode_picture(data, name))

    return measure


def rows(
    photos: Path, crop: int | None, methods: dict[str, Callable[..., tuple[int, float]]]
) -> Iterator[dict[str, object]]:
    """Yield a row for each photo, method and setting."""
    for path in track(list_files(photos), "photos"):
        picture = read_cover(path, crop)
        pixels = picture.shape[0] * picture.shape[1]
        for name, measure in methods.items():
            for setting in SETTINGS.get(name, range(1, 9)):
                size, psnr = measure(picture, setting)
                bpp = 8 * size / pixels
                yield {
                    "codec": name,
                    "setting": setting,
                    "photo": path.name,
                    "bpp": bpp,
                    "psnr": psnr,
                }


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean bpp and PSNR for each codec and setting, with the published points added."""
    curve = table.groupby(["codec", "setting"], sort=False)[["bpp", "psnr"]].mean().reset_index()
    published = pd.DataFrame(PUBLISHED_POINTS, columns=["bpp", "psnr"])
    published.insert(0, "setting", range(3, 9))
    published.insert(0, "codec", PUBLISHED)
    return pd.concat([curve, published], ignore_index=True)


def gap_at_rates(curves: pd.DataFrame, codec: str, other: str) -> tuple[float, float]:
    """Return smallest and largest lead (dB) of ``codec`` over ``other`` between 0.3 and 1.2 bpp.

    Interpolated in log rate, where both curves have points on either side.
    """
    points = {name: curves[curves.codec == name].sort_values("bpp") for name in (codec, other)}
    low = max(0.3, *(p.bpp.iloc[0] for p in points.values()))
    high = min(1.2, *(p.bpp.iloc[-1] for p in points.values()))
    rates = np.linspace(np.log(low), np.log(high), 50)
    psnr = [np.interp(rates, np.log(p.bpp), p.psnr) for p in points.values()]
    lead = psnr[0] - psnr[1]
    return float(lead.min()), float(lead.max())


def draw(curves: pd.DataFrame, path: Path) -> None:
    """Draw PSNR against rate."""
    pyplot = import_pyplot()
    figure, axes = pyplot.subplots(figsize=(7, 5))
    for name, points in curves.groupby("codec", sort=False):
        style = "o-" if name in OURS else "--"
        axes.plot(points.bpp, points.psnr, style, label=name, markersize=4)
    axes.set(xlabel="bits per pixel", ylabel="PSNR, dB", xlim=(0, 2), ylim=(27, 42))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def print_bd_rates(curves: pd.DataFrame) -> None:
    """Print how our codecs compare with each other curve."""
    for codec in (name for name in OURS if name in set(curves.codec)):
        own = curves[curves.codec == codec]
        for other in curves.codec.unique():
            if other == codec:
                continue
            against = curves[curves.codec == other]
            rate = bjontegaard.bd_rate(
                against.bpp,
                against.psnr,
                own.bpp,
                own.psnr,
                method="akima",
                require_matching_points=False,
                min_overlap=0,
            )
            low, high = gap_at_rates(curves, codec, other)
            print(f"{codec} against {other}: BD-rate {rate:+.1f} %, {low:+.2f} to {high:+.2f} dB")


def main() -> None:
    """Measure, print, and draw where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--crop", type=int, help="side of the centre crop; whole photos by default")
    known = (*OURS, *SETTINGS)
    parser.add_argument("--codec", nargs="+", default=list(known), choices=known)
    parser.add_argument("--weights", type=Path, help="weights file for the one codec named")
    parser.add_argument("--keep", type=Path, help="CSV of an earlier run; its other rows are kept")
    parser.add_argument("--out", type=Path, help="CSV to write")
    parser.add_argument("--figure", type=Path, help="picture of the curves to write")
    arguments = parser.parse_args()
    available = {"JPEG": True, "WebP": features.check("webp"), "AVIF": features.check("avif")}
    methods = {
        name: ours(name, arguments.weights) if name in OURS else pillow(name)
        for name in arguments.codec
        if available.get(name, True)
    }
    table = pd.DataFrame(rows(arguments.photos, arguments.crop, methods))
    if arguments.keep:
        kept = pd.read_csv(arguments.keep)
        table = pd.concat([table, kept[~kept.codec.isin(methods)]], ignore_index=True)
    if arguments.out:
        table.round(5).to_csv(arguments.out, index=False)
    curves = means(table)
    print(curves.round(3).to_string(index=False))
    print_bd_rates(curves)
    if arguments.figure:
        draw(curves, arguments.figure)


if __name__ == "__main__":
    main()
