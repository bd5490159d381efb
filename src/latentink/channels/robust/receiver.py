"""The receiver: finds grid, step and length by the preamble, then decodes the frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from latentink.channels.robust.grid import AREAS, grids_of, luminance, read_coefficients
from latentink.channels.robust.lattice import soft_bits
from latentink.channels.robust.layout import PREAMBLE_BITS, PREAMBLE_SPREAD, layout, unframed
from latentink.channels.robust.preamble import Sighting, levelled, look
from latentink.errors import MessageNotFoundError
from latentink.payload import ldpc
from latentink.payload.keys import Keys

_CERTAIN_SCORE = 8.0
"""No picture without a message comes near."""
_LARGEST_SHARE = 1.5
"""Samples of the largest grid that is looked at, for each pixel of the picture."""


def read_message(picture: np.ndarray, keys: Keys, areas: tuple[int, ...] = AREAS) -> bytes | None:
    """Return the message in a picture, or None where these keys find none.

    Args:
        picture: (H, W, 3) uint8.
        keys: of the password.
        areas: of the grids to look at.

    Raises:
        MessageNotFoundError: there is one, but too much of it is damaged.
    """
    doubtful = []
    for sighting, coefficients in sightings(picture, keys, areas):
        if sighting.score < _CERTAIN_SCORE:
            doubtful.append((sighting, coefficients))
            continue
        message = _message_at(sighting, coefficients, keys)
        if message is not None:
            return message
        raise MessageNotFoundError(
            "The picture carries a message for this password, but it was changed too much on its "
            "way to be read; ask for a copy that was re-encoded less, or for a shorter message."
        )
    for sighting, coefficients in sorted(doubtful, key=lambda pair: -pair[0].score):
        message = _message_at(sighting, coefficients, keys)
        if message is not None:
            return message
    return None


def sightings(
    picture: np.ndarray, keys: Keys, areas: tuple[int, ...]
) -> Iterator[tuple[Sighting, np.ndarray]]:
    """Yield what seems to be a preamble, with the coefficients of its grid."""
    height, width = picture.shape[:2]
    grey = luminance(picture)
    for area in areas:
        if area > _LARGEST_SHARE * height * width:
            return
        for grid in grids_of((height, width), area):
            if grid.coefficients < PREAMBLE_BITS * PREAMBLE_SPREAD:
                continue
            coefficients = read_coefficients(grey, grid)
            sighting = look(coefficients, grid, keys)
            if sighting is not None:
                yield sighting, coefficients


def soft_frame(sighting: Sighting, coefficients: np.ndarray, keys: Keys) -> np.ndarray:
    """Return the soft bits of the frame that follows a preamble; positive is bit 1."""
    places = layout(keys, sighting.grid, sighting.frame_bytes).message
    return soft_bits(places.of(levelled(coefficients, sighting.tilt)), sighting.step)


def _message_at(sighting: Sighting, coefficients: np.ndarray, keys: Keys) -> bytes | None:
    """Return the message behind a preamble, or None where it does not decode."""
    try:
        soft = soft_frame(sighting, coefficients, keys)
    except ValueError:  # By chance a word may name a length that the grid does not hold.
        return None
    bits = ldpc.decode(soft, 8 * sighting.frame_bytes)
    if bits is None:
        return None
    try:
        return unframed(np.packbits(bits).tobytes(), keys)
    except MessageNotFoundError:
        return None
