"""Asks whether a warden who has the photo can tell files with messages from plain ones.

    python experiments/exact_warden.py ../shared/photos/kodak ../shared/photos/coco --pairs 500

Each pair is a plain file and one with a message that fills the exact room, of one central crop. The
warden repeats the encoder on the photo (latentink.steganalysis.known_photo) and has: log₂ of the
file's likelihood, how many coins fell against the nearest symbol, the file's size, and its header.
Prints a Markdown table of paired tests (Wilcoxon's signed ranks) and AUCs. The last rows are
negative controls: senders that spare the photo, and the coding of longer messages.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy.stats import wilcoxon

from inputs import list_files, read_centre
from latentink import HideOptions, capacity, compress, hide
from latentink.channels.latents.exact.writer import ExactWriter
from latentink.codecs.registry import CODECS
from latentink.container import unpack
from latentink.metrics.detection import auc
from latentink.steganalysis.known_photo import judge_file


@dataclass(frozen=True)
class Seen:
    """What the warden has of a file."""

    log_likelihood: float
    tilt: float
    file_bytes: int
    quality_code: int


def seen(photo: np.ndarray, data: bytes) -> Seen:
    """Return what the warden has of a file of a photo."""
    judgement = judge_file(photo, data)
    return Seen(judgement.log_likelihood, judgement.tilt, len(data), unpack(data).quality_code)


def has_room(codec: str, quality: float, photo: np.ndarray) -> bool:
    """Return whether a message fits exactly; what does not would be measured."""
    return capacity(photo, codec=codec, quality=quality).exact_bytes > 0


def hidden(codec: str, quality: float, share: float, photo: np.ndarray) -> bytes:
    """Return a file whose message has a share of the exact room; more than 1 is measured."""
    room = capacity(photo, codec=codec, quality=quality).exact_bytes
    options = HideOptions(codec=codec, quality=quality)
    message = secrets.token_bytes(int(share * room))
    return hide(photo, message, options=options).data


def spared(codec: str, quality: float, share: float, photo: np.ndarray) -> bytes:
    """Return what :func:`hidden` returns, of a sender that starts from the nearest symbols."""
    with patch.object(ExactWriter, "drawn", lambda self, nearest: nearest):
        return hidden(codec, quality, share, photo)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--controls", type=int, default=60)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--quality", type=float, default=5)
    parser.add_argument("--codecs", nargs="+", default=list(CODECS))
    options = parser.parse_args()
    files = [path for folder in options.folders for path in list_files(folder)]
    photos = [read_centre(path, options.side) for path in files]
    print("| codec | sender | pairs | likelihood | coins | size | quality |")
    print("|---|---|---:|---|---|---|---|")
    for codec in options.codecs:
        able = [photo for photo in photos if has_room(codec, options.quality, photo)]
        senders: dict[str, tuple[int, Callable[[np.ndarray], bytes]]] = {
            "exact": (options.pairs, partial(hidden, codec, options.quality, 1)),
            "sparing, half the room": (
                options.controls,
                partial(spared, codec, options.quality, 0.5),
            ),
            "measured, four times the room": (
                options.controls,
                partial(hidden, codec, options.quality, 4),
            ),
        }
        for name, (pairs, send) in senders.items():
            plain, stego = [], []
            for photo in islice(cycle(able), pairs):
                data = compress(photo, codec=codec, quality=options.quality).data
                plain.append(seen(photo, data))
                stego.append(seen(photo, send(photo)))
            cells = [
                told(plain, stego, feature)
                for feature in ("log_likelihood", "tilt", "file_bytes", "quality_code")
            ]
            print(f"| {codec} | {name} | {pairs} | {' | '.join(cells)} |", flush=True)


def told(plain: list[Seen], stego: list[Seen], feature: str) -> str:
    """Return the p-value of the pairs' differences and the AUC of a feature."""
    ours, theirs = (
        np.array([max(getattr(one, feature), -1e9) for one in part]) for part in (stego, plain)
    )
    p_value = wilcoxon(ours, theirs).pvalue if (ours != theirs).any() else 1.0
    return f"p = {p_value:.2g}, AUC {auc(theirs, ours):.3f}"


if __name__ == "__main__":
    main()
