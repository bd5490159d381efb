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
MESSAGE = "meet at noon"
# Name: crop of the astronaut (top, left, height, width), codec, quality, channel or "" for none.
FILES: dict[str, tuple[tuple[int, int, int, int], str, float, str]] = {
    "hyperprior_plain_64": ((0, 190, 64, 64), "hyperprior", 5, ""),
    "hyperprior_plain_512": ((0, 0, 512, 512), "hyperprior", 3, ""),
    "hyperprior_plain_odd": ((10, 90, 131, 202), "hyperprior", 6.7, ""),
    "hyperprior_latents_256": ((0, 100, 256, 256), "hyperprior", 5, "latents"),
    "hyperprior_pixels_256": ((0, 100, 256, 256), "hyperprior", 5, "pixels"),
    "elic_plain_64": ((0, 190, 64, 64), "elic", 5, ""),
    "elic_plain_512": ((0, 0, 512, 512), "elic", 3, ""),
    "elic_latents_256": ((0, 100, 256, 256), "elic", 5, "latents"),
    "elic_pixels_192": ((0, 100, 192, 192), "elic", 6, "pixels"),
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
    for name, ((top, left, height, width), codec, quality, channel) in FILES.items():
        cover = np.ascontiguousarray(photo[top : top + height, left : left + width])
        if channel:
            options = HideOptions(codec=codec, quality=quality, channel=channel)
            data = hide(cover, MESSAGE.encode(), password=PASSWORD, options=options).data
        else:
            data = compress(cover, codec=codec, quality=quality).data
        (folder / f"{name}.lik").write_bytes(data)
        index += [f"[{name}]", f'symbols = "{symbols_digest(data)}"', f"height = {height}"]
        index += [f"width = {width}", f'message = "{MESSAGE if channel else ""}"', ""]
    (folder / "golden.toml").write_text("\n".join(index))


if __name__ == "__main__":
    main()
