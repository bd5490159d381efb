"""Writes the golden files: .lik files that every later release must decode.

    python experiments/golden_files.py tests/golden

Until release 0.2 the weights may change, and the files are then made anew; from 0.2 on files are
only added. ``golden.toml`` says of each file how it was made and what it decodes to: the digest of
its symbols and the message.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import skimage.data

from latentink.codecs.compression import decode_file
from latentink.results import HideOptions
from latentink.steganography import compress, hide

PASSWORD = "golden"
SHORT = "meet at noon"
# More than the coins of a small photo hold, and not to be compressed by more than half.
LONG = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(12))
# Name: crop of the astronaut (top, left, height, width), codec, quality, channel, message.
FILES: dict[str, tuple[tuple[int, int, int, int], str, float, str, str]] = {
    "hyperprior_plain_64": ((0, 190, 64, 64), "hyperprior", 5, "", ""),
    "hyperprior_plain_512": ((0, 0, 512, 512), "hyperprior", 3, "", ""),
    "hyperprior_plain_odd": ((10, 90, 131, 202), "hyperprior", 6.7, "", ""),
    "hyperprior_exact_256": ((0, 100, 256, 256), "hyperprior", 5, "latents", SHORT),
    "hyperprior_measured_192": ((0, 100, 192, 192), "hyperprior", 5, "latents", LONG),
    "hyperprior_pixels_256": ((0, 100, 256, 256), "hyperprior", 5, "pixels", SHORT),
    "elic_plain_64": ((0, 190, 64, 64), "elic", 5, "", ""),
    "elic_plain_512": ((0, 0, 512, 512), "elic", 3, "", ""),
    "elic_exact_256": ((0, 100, 256, 256), "elic", 5, "latents", SHORT),
    "elic_measured_192": ((0, 100, 192, 192), "elic", 5, "latents", LONG),
    "elic_pixels_192": ((0, 100, 192, 192), "elic", 6, "pixels", SHORT),
}


def symbols_digest(data: bytes) -> str:
    """Return the SHA-256 of a file's symbols, z and then y, as little-endian int32."""
    latents = decode_file(data).latents
    symbols = [np.ascontiguousarray(part, dtype="<i4").tobytes() for part in (latents.z, latents.y)]
    return hashlib.sha256(b"".join(symbols)).hexdigest()


def main() -> None:
    """Write files and index."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    photo, index = skimage.data.astronaut(), []
    for name, ((top, left, height, width), codec, quality, channel, message) in FILES.items():
        cover = np.ascontiguousarray(photo[top : top + height, left : left + width])
        if channel:
            options = HideOptions(codec=codec, quality=quality, channel=channel, seed=0)
            result = hide(cover, message.encode(), password=PASSWORD, options=options)
            assert (result.report.security == "exact") == ("exact" in name), name
            data = result.data
        else:
            data = compress(cover, codec=codec, quality=quality, seed=0).data
        (folder / f"{name}.lik").write_bytes(data)
        index += [f"[{name}]", f'symbols = "{symbols_digest(data)}"', f"height = {height}"]
        index += [f"width = {width}", f'message = "{message}"', ""]
    (folder / "golden.toml").write_text("\n".join(index))


if __name__ == "__main__":
    main()
