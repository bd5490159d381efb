"""Asks whether the robust channel's receiver finds messages where there are none.

    python experiments/robust_false_alarms.py ../shared/photos/train --pictures 2000

Crops of photos that carry nothing are read with a key each. Prints how many words of preambles were
seen, the highest score, how many messages were returned, and the seconds of a picture.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from inputs import list_files
from latentink.channels.robust.grid import AREAS
from latentink.channels.robust.receiver import read_message, sightings
from latentink.errors import MessageNotFoundError, PictureError
from latentink.payload.keys import Keys
from latentink.picture import read_picture


def main() -> None:
    """Read and count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--side", type=int, default=256)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    files = list_files(options.folder)
    read, seen, returned, highest, started = 0, 0, 0, 0.0, time.monotonic()
    while read < options.pictures:
        try:
            photo = read_picture(files[read % len(files)])
        except PictureError:
            files.pop(read % len(files))
            continue
        top, left = (int(generator.integers(max(1, n - options.side))) for n in photo.shape[:2])
        crop = np.ascontiguousarray(photo[top : top + options.side, left : left + options.side])
        keys = Keys(generator.bytes(32))
        scores = [sighting.score for sighting, _ in sightings(crop, keys, AREAS)]
        seen, highest = seen + len(scores), max([highest, *scores])
        try:
            returned += read_message(crop, keys) is not None
        except MessageNotFoundError:
            print(f"{files[read % len(files)].name}: taken for a damaged message", flush=True)
        read += 1
        if read % 100 == 0:
            seconds = (time.monotonic() - started) / read
            print(
                f"{read} pictures: {seen} words seen, highest score {highest:.2f}, "
                f"{returned} messages, {seconds:.2f} s each",
                flush=True,
            )


if __name__ == "__main__":
    main()
