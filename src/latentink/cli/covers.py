"""Covers as the commands read them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from latentink import picture
from latentink.cli.shown import shown


def read_cover(path: Path) -> np.ndarray:
    """Return the pixels of a photo, (H, W, 3) uint8; say on standard error what was converted.

    Raises:
        PictureError: as for :func:`latentink.picture.read_cover`.
    """
    cover = picture.read_cover(path)
    if cover.converted:
        print(f"latentink: {shown(cover.converted)}", file=sys.stderr)
    return cover.pixels
