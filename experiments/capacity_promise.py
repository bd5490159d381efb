"""Asks whether ``hide`` takes what ``capacity`` promises.

    python experiments/capacity_promise.py ../shared/photos/coco ../shared/photos/kodak --first 25

Of each folder the first photos are taken, every second one as it is and the others as central crops
of 256×256. Each carries random messages of the two lengths that ``capacity`` gives: by proof, and
at acceptable quality. Prints a row for each failure, and how many came back.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from inputs import list_files, message_for, read_centre
from latentink import HideOptions, capacity, hide, reveal
from latentink.codecs.registry import CODECS
from latentink.errors import CapacityError


def comes_back(cover: np.ndarray, message: bytes, options: HideOptions) -> str:
    """Return "" if the message comes back, or else what went wrong."""
    try:
        result = hide(cover, message, password="a promise", options=options)
    except CapacityError as error:
        return str(error)
    return "" if reveal(result.data, password="a promise") == message else "another message"


def main() -> None:
    """Hide and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--first", type=int, default=25)
    parser.add_argument("--codec", default="hyperprior", choices=CODECS)
    parser.add_argument("--quality", type=float, default=5)
    options = parser.parse_args()
    paths = [path for folder in options.folders for path in list_files(folder, options.first)]
    kept = {"exact": 0, "measured": 0}
    for number, path in enumerate(paths):
        cover = read_centre(path, 100_000 if number % 2 == 0 else 256)
        room = capacity(cover, codec=options.codec, quality=options.quality)
        for kind, length in (("exact", room.exact_bytes), ("measured", room.message_bytes)):
            asked = HideOptions(codec=options.codec, quality=options.quality, exact=kind == "exact")
            wrong = comes_back(cover, message_for(path.stem, length), asked)
            kept[kind] += not wrong
            if wrong:
                print(f"{path.name} {cover.shape}, {kind}, {length} bytes: {wrong}", flush=True)
        print(f"{number + 1} of {len(paths)}: {kept}", flush=True)


if __name__ == "__main__":
    main()
