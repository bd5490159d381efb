"""The photos that networks are trained on, and random crops of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Generator, Tensor

from latentink.errors import OptionError
from latentink.picture import centre, to_tensor

HELD_OUT_PERCENT = 5
MIN_SIDE = 16


def is_held_out(photo: Path) -> bool:
    """Say whether ``photo`` is one of the 5 % kept from training, by the hash of its name."""
    digest = hashlib.sha256(photo.name.encode()).digest()
    return int.from_bytes(digest[:4], "little") % 100 < HELD_OUT_PERCENT


class Photos:
    """Photos as uint8 arrays, decoded once while they fit in ``cache_bytes``."""

    def __init__(self, paths: Sequence[Path], cache_bytes: int = 1 << 30) -> None:
        self.paths = list(paths)
        self._cache: dict[int, np.ndarray] = {}
        self._room = cache_bytes

    def __len__(self) -> int:
        return len(self.paths)

    def pixels(self, index: int) -> np.ndarray:
        """Return photo ``index`` as (H, W, 3) uint8, upright.

        Raises:
            OptionError: The file is no picture, or is smaller than 16×16; the sentence names it.
        """
        if index in self._cache:
            return self._cache[index]
        path = self.paths[index]
        try:
            with Image.open(path) as image:
                pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        except (OSError, UnidentifiedImageError) as error:
            raise OptionError(
                f"The photo {path} cannot be read: {error}; take it out of the folder."
            ) from error
        if min(pixels.shape[:2]) < MIN_SIDE:
            raise OptionError(
                f"The photo {path} is smaller than {MIN_SIDE}×{MIN_SIDE}; "
                "take it out of the folder."
            )
        if pixels.nbytes <= self._room:
            self._room -= pixels.nbytes
            self._cache[index] = pixels
        return pixels

    def crops(
        self, count: int, side: int, generator: Generator, smallest_scale: float = 1.0
    ) -> Tensor:
        """Return ``count`` random crops (count, 3, side, side) in [0, 1], each flipped or not.

        A photo smaller than the crop is continued by reflection.

        Args:
            count: how many.
            side: pixels.
            generator: of everything random.
            smallest_scale: a factor drawn from here to 1 reduces each crop, where its photo is
                large enough; that removes traces of JPEG, which real covers need not have.
        """
        crops = [self._crop(side, generator, smallest_scale) for _ in range(count)]
        return torch.stack(crops).contiguous(memory_format=torch.channels_last)

    def _crop(self, side: int, generator: Generator, smallest_scale: float) -> Tensor:
        pixels = self.pixels(below(len(self), generator))
        taken = side
        if smallest_scale < 1:
            share = float(torch.rand(1, generator=generator))
            scale = smallest_scale + (1 - smallest_scale) * share
            taken = max(side, min(round(side / scale), *pixels.shape[:2]))
        short = [max(taken - length, 0) for length in pixels.shape[:2]]
        if any(short):
            pixels = np.pad(pixels, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
        top = below(pixels.shape[0] - taken + 1, generator)
        left = below(pixels.shape[1] - taken + 1, generator)
        part = pixels[top : top + taken, left : left + taken]
        if taken > side:
            part = np.asarray(Image.fromarray(part).resize((side, side), Image.Resampling.BICUBIC))
        crop = torch.from_numpy(part.copy())
        if below(2, generator):
            crop = crop.flip(1)
        return crop.permute(2, 0, 1).float().div_(255)


def below(bound: int, generator: Generator) -> int:
    """Return a random whole number from 0 to ``bound`` − 1."""
    return int(torch.randint(bound, (1,), generator=generator))


def centre_crop(pixels: np.ndarray, side: int = 256) -> Tensor:
    """Return at most the central ``side`` × ``side`` pixels of (H, W, 3) uint8 as (1, 3, h, w)."""
    return to_tensor(centre(pixels, side))


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the photos to train on and the ones held out; each falls back on all of them."""
    held_out = [path for path in paths if is_held_out(path)]
    training = [path for path in paths if not is_held_out(path)]
    return training or list(paths), held_out or list(paths)
