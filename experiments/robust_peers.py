"""Measures what is left of the bits of watermarks, beside the robust channel, on the same photos.

    python experiments/robust_peers.py ../shared/photos/kodak --first 6

Each method hides random bits; each attack of the messenger profile is applied; a peer gets the
picture back at the size that it had, which the robust channel does not need. Prints a Markdown
table of mean PSNR, of the share of right bits after each attack, and of the bits that such bits can
carry at most (a binary symmetric channel's capacity); for the robust channel, of bits that came
back.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from inputs import list_files
from latentink import PictureOptions, capacity_of_picture
from latentink.attacks.profiles import attacks_of
from latentink.errors import MessageNotFoundError
from latentink.methods.method import Method, random_bits
from latentink.methods.registry import load_method
from latentink.methods.saving import eight_bits
from latentink.picture import encode_png, psnr_db, read_picture


def right(method: Method, picture: np.ndarray, bits: np.ndarray) -> float:
    """Return the share of bits that are right; ½ where nothing is found."""
    try:
        soft = method.extract(method.load(encode_png(picture)))
    except MessageNotFoundError:
        return 0.5
    return float(((soft > 0) == bits).mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=6)
    parser.add_argument("--profile", default="messenger")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=["robust-messenger", "blind-watermark", "invisible-watermark"],
    )
    options = parser.parse_args()
    photos = [read_picture(path) for path in list_files(options.folder, options.first)]
    size = photos[0].shape[0], photos[0].shape[1]
    names = [attack.name for attack in attacks_of(options.profile, size)]
    print(f"| method | bits | PSNR | {' | '.join(names)} | bits that the worst holds |")
    print("|---|---:|---:|" + "---:|" * (len(names) + 1))
    for name in options.methods:
        method = load_method(name)
        psnr, shares, counts = [], [], []
        for number, photo in enumerate(photos):
            bits = random_bits(method.bits_shape(photo), number)
            stego = eight_bits(method.embed(photo, bits).picture)
            psnr.append(psnr_db(photo, stego))
            counts.append(bits.size)
            row = []
            for attack in attacks_of(options.profile, (photo.shape[0], photo.shape[1])):
                left = attack.apply(stego)
                if not method.corrected and left.shape != photo.shape:
                    size = photo.shape[1], photo.shape[0]
                    left = np.array(Image.fromarray(left).resize(size, Image.Resampling.LANCZOS))
                row.append(right(method, left, bits))
            shares.append(row)
        mean = np.mean(shares, axis=0)
        held = np.mean(counts) * capacity(np.array(shares), method.corrected).mean(axis=0).min()
        cells = [f"{share:.1%}" for share in mean]
        line = [name, f"{np.mean(counts):.0f}", f"{np.mean(psnr):.1f} dB", *cells, f"{held:.0f}"]
        print(f"| {' | '.join(line)} |", flush=True)
        if not method.corrected:
            wanted = PictureOptions(options.profile)
            room = [8 * capacity_of_picture(p, wanted, float(np.mean(psnr))) for p in photos]
            line = ["hide at that PSNR", f"{np.mean(room):.0f}", line[2]]
            print(f"| {' | '.join(line)} |" + " |" * (len(names) + 1), flush=True)


def capacity(shares: np.ndarray, corrected: bool) -> np.ndarray:
    """Return the bits that a raw bit can carry, by the share of right ones."""
    if corrected:
        return (shares == 1).astype(float)
    wrong = np.clip(1 - shares, 1e-12, 0.5)
    return 1 + wrong * np.log2(wrong) + (1 - wrong) * np.log2(1 - wrong)


if __name__ == "__main__":
    main()
