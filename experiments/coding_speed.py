"""Times the entropy coder and measures what it adds to the ideal length.

    python experiments/coding_speed.py ../shared/photos/kodak/kodim05.png --repeats 5

The symbols are those of a 512×512 crop of the photo at quality 5, and of the same latents repeated
6 × 8 times, which is a picture of 12.6 megapixels and about 10 million symbols. The ideal length is
−log₂ of each symbol's share of the counts in its table, and 16 bits for each escaped symbol. Times
are CPU seconds of this process, the least of all repeats; run it with one thread. Prints a Markdown
table.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from inputs import read_cover
from latentink.codecs.codec import Codec
from latentink.codecs.coins import coins_of
from latentink.codecs.compression import compress_plainly
from latentink.codecs.entropy_model import Latents
from latentink.codecs.loading import load_codec
from latentink.codecs.rans.decoder import Decoder
from latentink.codecs.rans.encoder import Pass, encode
from latentink.codecs.registry import CODECS
from latentink.payload.keystream import entropy_of

_REPEATED = (1, 6, 8)


def passes_of(codec: Codec, latents: Latents, repeated: tuple[int, int, int]) -> list[Pass]:
    """Return z and y as the coder takes them, repeated over the picture."""

    def wide(values: np.ndarray) -> np.ndarray:
        return np.tile(values, repeated)

    z, y, rows = wide(latents.z), wide(latents.y), wide(latents.indexes)
    channels = np.repeat(np.arange(len(z), dtype=np.int32), z[0].size)
    return [
        Pass(z.ravel(), channels, codec.entropy._hyper),
        *(
            Pass(y.ravel()[p], rows.ravel()[p], codec.entropy._gaussian)
            for p in codec.entropy.passes(y.shape)
        ),
    ]


def ideal_bytes(passes: list[Pass]) -> float:
    """Return the sum of the information of all symbols."""
    bits = 0.0
    for one in passes:
        cells = one.table.cells_of(one.symbols.astype(np.int32), one.rows)
        bits += float((16 - np.log2(one.table.count[cells])).sum())
        bits += 16 * int((cells == one.table.escape[one.rows]).sum())
    return bits / 8


def decode(stream: bytes, passes: list[Pass]) -> list[np.ndarray]:
    """Return the symbols of each pass."""
    decoder = Decoder(stream, sum(len(one.symbols) for one in passes))
    symbols = [decoder.read(one.rows, one.table) for one in passes]
    decoder.finish()
    return symbols


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    cover = read_cover(arguments.photo, 512)
    print("| codec | symbols | bytes | over the ideal | encode | decode |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in CODECS:
        codec = load_codec(name)
        coins = coins_of(entropy_of(0))
        latents = compress_plainly(codec, cover, codec.quality_code(5), coins).latents
        for repeated in ((1, 1, 1), _REPEATED):
            passes = passes_of(codec, latents, repeated)
            encoding, decoding, stream = [], [], b""
            for _ in range(arguments.repeats):
                started = time.process_time()
                stream = encode(passes)
                between = time.process_time()
                found = decode(stream, passes)
                decoding.append(time.process_time() - between)
                encoding.append(between - started)
            for one, symbols in zip(passes, found, strict=True):
                np.testing.assert_array_equal(symbols, one.symbols)
            excess = 100 * (len(stream) / ideal_bytes(passes) - 1)
            count = sum(len(one.symbols) for one in passes)
            print(
                f"| {name} | {count:,} | {len(stream):,} | {excess:.2f} % "
                f"| {min(encoding):.2f} s | {min(decoding):.2f} s |"
            )


if __name__ == "__main__":
    main()
