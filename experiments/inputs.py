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


def read_centre(path: Path, side: int) -> np.ndarray:
    """Return the central pixels of a photo, ``side`` × ``side`` or what there is of them."""
    picture = read_picture(path)
    height, width = (min(side, n) for n in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def smoothest(files: list[Path], count: int) -> list[Path]:
    """Return the photos with the smallest differences between neighbouring pixels."""

    def roughness(path: Path) -> float:
        grey = read_picture(path).mean(axis=2)
        return float(sum(np.abs(np.diff(grey, axis=axis)).mean() for axis in (0, 1)))

    return sorted(files, key=roughness)[:count]
