"""The sender: finds the least step whose message survives a profile's attacks, and writes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from latentink.attacks.attack import Attack
from latentink.channels.robust.grid import (
    AREAS,
    Grid,
    grid_of,
    luminance,
    read_coefficients,
    upsampled,
)
from latentink.channels.robust.lattice import COMPENSATION, STEPS, moves
from latentink.channels.robust.layout import LENGTHS, Layout, bits_of, largest_frame, layout
from latentink.channels.robust.preamble import TILTS, levelled, words_of
from latentink.channels.robust.receiver import read_message
from latentink.channels.robust.tolerance import tolerance_of
from latentink.errors import MessageNotFoundError
from latentink.payload import ldpc
from latentink.payload.keys import Keys

FIRST_STEP = 16
"""Index of the step with which attacks are measured first: what most messages need."""
MARGIN = 0.05
"""Agreement of soft bits that a message must have beyond what decoding needs: about a step."""
_ROWS_AT_A_TIME = 64  # They stay in a processor's cache.
_ROUNDS = 3
"""Rounds in which what rounding and saving did to the projections is corrected."""
_TRIES = 6
_RESERVE = 0.01
"""Agreement that a prediction asks for beyond what is needed: a try that fails costs time."""

Shown = Callable[[np.ndarray], np.ndarray]
"""Maps a picture (H, W, 3) uint8 to what a reader sees of it once it is saved."""


@dataclass(frozen=True)
class Sent:
    """A picture that carries a message.

    Attributes:
        picture: (H, W, 3) uint8, as it is given to the file's encoder.
        step: Δ, grey levels.
        raw_bits: that carry, the preamble included.
        survived: names of the attacks after which the message was read.
    """

    picture: np.ndarray
    step: float
    raw_bits: int
    survived: tuple[str, ...]


@dataclass(frozen=True)
class _Written:
    """Bits with their places on the grid of a photo.

    Attributes:
        photo: (H, W, 3) uint8.
        grid: of the photo.
        area: of the grid, a member of ``AREAS``.
        places: of preamble and message.
        preamble: (256,) uint8 of 0 and 1.
        message: raw bits, uint8 of 0 and 1.
        before: coefficients of the photo.
    """

    photo: np.ndarray
    grid: Grid
    area: int
    places: Layout
    preamble: np.ndarray
    message: np.ndarray
    before: np.ndarray

    def moved(self, step: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the moves of preamble and message to the lattice of a step."""
        parts = (self.places.preamble, self.preamble), (self.places.message, self.message)
        first, second = (moves(part.of(self.before), bits, step) for part, bits in parts)
        return first, second


def area_for(attacks: Sequence[Attack], size: tuple[int, int], frame_bytes: int) -> int | None:
    """Return the area of the grid for a message that has to survive attacks, or None.

    It has about as many samples as the smallest picture that the attacks leave, because above that
    picture's frequencies there is only noise; more, up to the photo's own number of pixels, if the
    message does not fit otherwise.

    Args:
        attacks: that happen to the photo.
        size: height and width of the photo, pixels.
        frame_bytes: length of the frame.
    """
    height, width = size
    least = min(np.prod(attack.size_of(size)) for attack in attacks)
    wanted = min(AREAS, key=lambda area: abs(np.log(area / least)))
    for area in AREAS:
        fits = largest_frame(grid_of(size, area)) >= frame_bytes
        if area >= wanted and area <= 1.2 * height * width and fits:
            return area
    return None


def least_agreement(information_bits: int, raw_bits: int) -> float:
    """Return the mean agreement, up to 1, of soft bits from which decoding succeeds.

    Fitted to simulated channels (experiments/robust_decoding.py): 0.53 at rate 1/3 and 0.65 at 1/2
    for long frames, and more for short ones.
    """
    return 0.29 + 0.71 * information_bits / raw_bits + 1 / np.sqrt(information_bits)


def send(
    photo: np.ndarray,
    frame: bytes,
    message: bytes,
    keys: Keys,
    attacks: Sequence[Attack],
    shown: Shown,
) -> Sent | None:
    """Return the picture with the least step whose file survives all attacks, or None if none does.

    Args:
        photo: (H, W, 3) uint8.
        frame: what :func:`~.layout.framed` returns.
        message: what the receiver must read.
        keys: of the password.
        attacks: that happen to the photo.
        shown: what saving makes of a picture.
    """
    written = _prepared(photo, frame, keys, attacks)
    if written is None:
        return None
    needed = MARGIN + least_agreement(8 * len(frame), len(written.message))
    names = tuple(attack.name for attack in attacks)
    raw_bits = len(written.preamble) + len(written.message)
    code, best, lost = FIRST_STEP, None, -1
    for _ in range(_TRIES):
        picture, seen = _embedded(written, STEPS[code], shown)
        judgement = _judged(written, seen, code, attacks, needed, message, keys)
        if judgement.survived:
            best = code, Sent(picture, STEPS[code], raw_bits, names)
            following = min(judgement.enough, code)
        else:
            lost = max(lost, code)
            following = judgement.enough
        following = max(following, lost + 1)
        if following >= (best[0] if best else len(STEPS)):
            break
        code = following
    return best[1] if best else None


def _prepared(
    photo: np.ndarray, frame: bytes, keys: Keys, attacks: Sequence[Attack]
) -> _Written | None:
    size = photo.shape[0], photo.shape[1]
    area = area_for(attacks, size, len(frame))
    if area is None:
        return None
    grid = grid_of(size, area)
    places = layout(keys, grid, len(frame))
    word = words_of(keys)[LENGTHS.index(len(frame))]
    return _Written(
        photo=photo,
        grid=grid,
        area=area,
        places=places,
        preamble=(word > 0).astype(np.uint8),
        message=ldpc.encode(bits_of(frame), len(places.message)),
        before=read_coefficients(luminance(photo), grid),
    )


def _embedded(written: _Written, step: float, shown: Shown) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture that says the bits with a step, and what its file shows."""
    places = written.places.preamble, written.places.message
    goals = [
        part.of(written.before) + np.float32(COMPENSATION) * move
        for part, move in zip(places, written.moved(step), strict=True)
    ]
    tolerance = tolerance_of(written.before)
    height, width = written.photo.shape[:2]
    total = np.zeros_like(written.before)
    coefficients = written.before
    for _ in range(_ROUNDS):
        change = np.zeros_like(written.before)
        for part, goal in zip(places, goals, strict=True):
            part.spread(goal - part.of(coefficients), tolerance, change)
        total += change
        added = upsampled(total, written.grid, (height, width))
        picture = _sum(written.photo, added)
        seen = shown(picture)
        coefficients = read_coefficients(luminance(seen), written.grid)
    return picture, seen


def _sum(photo: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Return a photo (H, W, 3) uint8 with grey levels (H, W) added, rounded and clipped."""
    picture = np.empty_like(photo)
    for top in range(0, len(photo), _ROWS_AT_A_TIME):
        rows = slice(top, top + _ROWS_AT_A_TIME)
        levels = photo[rows] + np.rint(added[rows]).astype(np.int16)[..., None]
        picture[rows] = np.clip(levels, 0, 255, out=levels)
    return picture


@dataclass(frozen=True)
class _Judgement:
    """What the attacks leave of a picture.

    Attributes:
        survived: whether the message was read after each attack, with the margin.
        enough: index of the least step that should survive all of them.
    """

    survived: bool
    enough: int


def _judged(
    written: _Written,
    seen: np.ndarray,
    code: int,
    attacks: Sequence[Attack],
    needed: float,
    message: bytes,
    keys: Keys,
) -> _Judgement:
    """Return what the attacks leave of a picture.

    Args:
        written: what it carries.
        seen: the picture, (H, W, 3) uint8.
        code: index of its step.
        attacks: that happen to it.
        needed: mean agreement of soft bits, the margin included.
        message: what the receiver must read.
        keys: of the password.
    """

    def attacked(attack: Attack) -> tuple[np.ndarray, bool]:
        received = attack.apply(seen)
        agreements = _agreements(written, received, code)
        enough = bool(agreements[code] >= needed)
        return agreements, enough and _reads(written, received, message, keys)

    # Pillow and NumPy leave the interpreter to other threads most of the time.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        results = list(pool.map(attacked, attacks))
    worst = np.min([agreements for agreements, _ in results], axis=0)
    enough = np.flatnonzero(worst >= needed + _RESERVE)
    return _Judgement(
        survived=all(read for _, read in results),
        enough=int(enough[0]) if enough.size else len(STEPS),
    )


def _reads(written: _Written, received: np.ndarray, message: bytes, keys: Keys) -> bool:
    """Return whether the receiver reads the message."""
    try:
        return read_message(received, keys, (written.area,)) == message
    except MessageNotFoundError:
        return False


def _agreements(written: _Written, received: np.ndarray, code: int) -> np.ndarray:
    """Return for each step the mean agreement of soft bits with the bits, had it been used.

    What an attack does to a projection hardly depends on the step, so that one picture tells what
    would be left of others. The agreement for the step that was used is measured, not predicted.

    Args:
        written: what the picture carries.
        received: (H, W, 3) uint8, the picture after an attack.
        code: index of the step that was used.
    """
    coefficients = read_coefficients(luminance(received), written.grid)
    part = written.places.message
    start = part.of(written.before)
    sent = start + np.float32(COMPENSATION) * moves(start, written.message, STEPS[code])
    received_parts = [part.of(levelled(coefficients, tilt)) for tilt in TILTS]
    agreements = np.empty(len(STEPS))
    for other, step in enumerate(STEPS):
        missing = np.float32(1 - COMPENSATION) * moves(start, written.message, step)
        rows = [got - sent - missing for got in received_parts]
        agreements[other] = max(np.cos(np.pi / step * row).mean() for row in rows)
    return agreements
