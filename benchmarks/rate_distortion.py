"""Rate and distortion of plain files: real sizes, 8-bit pictures.

    python benchmarks/rate_distortion.py ../shared/photos/kodak --crop 512

Prints a Markdown table with a row per quality: means over the photos.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from covers import centre_crop
from latentink.picture import read_picture
from latentink.steganography import compress


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--crop", type=int, help="side of the centre crop; none: whole photos")
    parser.add_argument("--qualities", type=float, nargs="+", default=[3, 4, 5, 6, 7, 8])
    arguments = parser.parse_args()
    pictures = [read_picture(path) for path in sorted(arguments.photos.iterdir())]
    pictures = [centre_crop(picture, arguments.crop) for picture in pictures]
    print("| quality | bpp | PSNR dB |\n|---:|---:|---:|")
    for quality in arguments.qualities:
        reports = [compress(picture, quality=quality).report for picture in pictures]
        bpp = np.mean([report.bpp for report in reports])
        psnr = np.mean([report.psnr_db for report in reports])
        print(f"| {quality:g} | {bpp:.3f} | {psnr:.2f} |", flush=True)


if __name__ == "__main__":
    main()
