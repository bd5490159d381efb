"""Units of a benchmark's work: methods that embed in one photo, measured one after the other.

A unit is one photo with the methods that find the same picture for it and differ only in how they
save it (:attr:`PaintedMethod.search`): they share the search, and its seconds count for each.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from latentink.benchmark.bits import photo_bits
from latentink.benchmark.config import open_method
from latentink.benchmark.measurement import Origin, load_lpips, measure
from latentink.benchmark.store import Refusal, Result
from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import LatentinkError, WeightsError
from latentink.methods.method import Method, PaintedMethod, Stego
from latentink.methods.registry import METHODS
from latentink.methods.saving import eight_bits
from latentink.picture import encode_png


@dataclass(frozen=True)
class Unit:
    """What one worker does at a time.

    Attributes:
        dataset: name of the set of photos.
        photo: file.
        crop: side of the centre crop in pixels.
        methods: entries of a configuration; all find the same picture.
        seed: of the bits and of the methods.
        keep_pictures: whether to return the stegos as pictures too.
        device: where networks compute: a key of :data:`latentink.devices.DEVICES`.
    """

    dataset: str
    photo: Path
    crop: int
    methods: tuple[str, ...]
    seed: int
    keep_pictures: bool = False
    device: str = DEFAULT_DEVICE


@dataclass(frozen=True)
class Outcome:
    """What came of one method on one photo.

    Attributes:
        result: figures, or why there are none.
        spent: wall time in seconds that the worker took, measuring included; a search that methods
            share counts for the first of them.
        picture: the stego as a PNG file, if the unit keeps pictures.
    """

    result: Result
    spent: float
    picture: bytes | None = field(default=None, repr=False)


def run_unit(unit: Unit, cover: np.ndarray) -> Iterator[Outcome]:
    """Embed and measure, one method after the other.

    Args:
        unit: what to do.
        cover: (H, W, 3) uint8, the crop of its photo.

    Raises:
        WeightsError: a method's weights are missing or damaged, which is no refusal of the cover.
    """
    shared = SharedSearches(cover)
    for entry in unit.methods:
        started = time.monotonic()
        result, picture = _run_method(entry, unit, shared)
        yield Outcome(result, time.monotonic() - started, picture)


class SharedSearches:
    """Embeds in one cover; methods that share a search find its picture once."""

    def __init__(self, cover: np.ndarray) -> None:
        """Take the cover (H, W, 3) uint8."""
        self.cover = cover
        self._found: dict[Hashable, tuple[np.ndarray, float]] = {}

    def embed(self, method: Method, bits: np.ndarray, seed: int) -> tuple[Stego, float]:
        """Return the stego and the seconds that it took, or would have taken without sharing.

        Args:
            method: that embeds.
            bits: the same for all methods with the same search.
            seed: of the method.

        Raises:
            LatentinkError: the method refuses the cover.
        """
        started = time.monotonic()
        if not isinstance(method, PaintedMethod):
            return method.embed(self.cover, bits, seed), time.monotonic() - started
        search = method.search
        if search not in self._found:
            picture = method.find(self.cover, bits)
            self._found[search] = picture, time.monotonic() - started
        picture, finding = self._found[search]
        started = time.monotonic()
        stego = method.load(method.saving.encode(picture))
        return stego, finding + time.monotonic() - started


@cache
def opened(entry: str, device: str = DEFAULT_DEVICE) -> Method:
    """Return the method of a configuration's entry, loaded once in each process."""
    return open_method(entry, device)


def _run_method(entry: str, unit: Unit, shared: SharedSearches) -> tuple[Result, bytes | None]:
    """Return what one method comes to, and its picture if the unit keeps pictures."""
    method = opened(entry, unit.device)
    cover = shared.cover
    origin = Origin(unit.dataset, unit.photo.name, unit.seed)
    try:
        bits = photo_bits(method.bits_shape(cover), unit.seed, unit.photo.name)
        stego, seconds = shared.embed(method, bits, unit.seed)
        result = measure(method, cover, bits, stego, seconds, origin, load_lpips())
        if not unit.keep_pictures:
            return result, None
        return result, encode_png(eight_bits(method.load(stego.data).picture))
    except WeightsError:
        raise
    except LatentinkError as error:
        reason = str(error)
    except Exception as error:
        # A fault in a user's own method should not cost the other rows.
        if entry in METHODS:
            raise
        reason = f"{entry} failed with {type(error).__name__}: {error} ({_place_of(error)})"
    return Refusal(method.name, unit.dataset, unit.photo.name, unit.seed, reason), None


def _place_of(error: Exception) -> str:
    """Return the file and line at which an exception was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"
