"""The photos and messages that the experiments hide."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from latentink.picture import centre, read_picture

PASSWORD = "a password of the benchmark"


def read_cover(path: Path, crop: int | None) -> np.ndarray:
    """Return the central ``crop`` × ``crop`` pixels (H, W, 3) of a photo, or all if it is None."""
    picture = read_picture(path)
    return picture if crop is None else centre(picture, crop)


def list_files(folder: Path, first: int | None = None) -> list[Path]:
    """Return the files of a folder by name, all or the first."""
    return sorted(path for path in folder.iterdir() if path.is_file())[:first]


def message_for(photo: str, length: int) -> bytes:
    """Return random bytes that depend on the photo's name and the length alone."""
    return np.random.default_rng(list(photo.encode())).bytes(length)
