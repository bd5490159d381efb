"""Messages in ordinary pictures, which survive re-encoding and rescaling; no networks.

::

    photo, message ─► sender: least step that survives ─► .jpg, .png, .webp, .avif
                                                              │  messengers, web pages
    message ◄── receiver ◄── picture ◄────────────────────────┘
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from latentink.attacks.attack import Attack
from latentink.attacks.profiles import PROFILES, attacks_of
from latentink.channels.robust.layout import (
    LENGTHS,
    SALT_BYTES,
    frame_length,
    framed,
)
from latentink.channels.robust.receiver import read_message
from latentink.channels.robust.sender import Sent, send
from latentink.errors import CapacityError
from latentink.payload.keys import KeyRing
from latentink.payload.keystream import entropy_of
from latentink.payload.sealing import message_salt, packed
from latentink.picture import psnr_db, read_picture
from latentink.picture_formats import JPEG_QUALITY, PictureFormat
from latentink.results import PictureOptions, PictureReport, PictureResult

LEAST_PSNR_DB = 36.0
"""Below this a message is seen in smooth places, and is refused."""
_PSNR_RESERVE_DB = 1.0
_CAPACITY_TRIES = 7
_CAPACITY_RESERVE = 0.95
"""Share of the length that was seen to fit which is promised: other bytes need a little more."""


def hide_in_picture(
    photo: np.ndarray | Path | str,
    message: bytes,
    *,
    password: str | None = None,
    options: PictureOptions | None = None,
) -> PictureResult:
    """Hide a message in an ordinary picture, so that it survives what happens on the way.

    The finished file goes through each attack of the profile, and the message is read from what is
    left, before anything is returned.

    Args:
        photo: (H, W, 3) uint8, or a path to a picture file.
        message: any bytes, also none.
        password: None uses the public key, under which anybody can read the message.
        options: what to survive, and the format.

    Raises:
        PictureError: the photo is not usable.
        OptionError: an option or the password is not usable.
        CapacityError: the photo cannot carry the message; the sentence says how much it can.

    Example:
        >>> import skimage.data
        >>> photo = skimage.data.astronaut()
        >>> stego = hide_in_picture(photo, b"meet at noon", password="tide")
        >>> "JPEG 50 twice" in stego.report.survived
        True
        >>> smaller = Attack("half", scale=0.5).apply(stego.picture)
        >>> reveal_from_picture(smaller, KeyRing("tide"))
        b'meet at noon'
    """
    started = time.monotonic()
    options = options or PictureOptions()
    pixels = photo if isinstance(photo, np.ndarray) else read_picture(Path(photo))
    size = pixels.shape[0], pixels.shape[1]
    attacks = attacks_of(options.survive, size)
    ring = KeyRing(password)
    sent = _sent(pixels, message, ring, attacks, options)
    if sent is None:
        raise _too_much(pixels, message, ring, options)
    data = options.saved_as.encode(sent.picture)
    seen = options.saved_as.shown(sent.picture)
    if read_message(seen, ring.keys()) != message:
        raise CapacityError(
            "The finished file did not give the message back, so it was not written; use a shorter "
            "message."
        )
    report = PictureReport(
        file_bytes=len(data),
        psnr_db=psnr_db(pixels, seen),
        plain_psnr_db=psnr_db(pixels, options.saved_as.shown(pixels)),
        height=size[0],
        width=size[1],
        payload_bytes=len(message),
        raw_bits=sent.raw_bits,
        step=sent.step,
        survive=options.survive,
        survived=sent.survived,
        security="public" if password is None else "found",
        password_used=password is not None,
        seconds=time.monotonic() - started,
    )
    return PictureResult(data, seen, report)


def reveal_from_picture(picture: np.ndarray, ring: KeyRing) -> bytes | None:
    """Return the message in an ordinary picture, or None where these keys find none.

    Args:
        picture: (H, W, 3) uint8, of any size and format since it was sent.
        ring: the keys of the password.

    Raises:
        MessageNotFoundError: there is a message, but too much of it is damaged.
    """
    return read_message(picture, ring.keys())


def capacity_of_picture(
    photo: np.ndarray | Path | str,
    options: PictureOptions | None = None,
    least_psnr_db: float = 40.0,
) -> int:
    """Return how many bytes (after compression) a photo carries, found by trying.

    Args:
        photo: (H, W, 3) uint8, or a path to a picture file.
        options: what to survive, and the format.
        least_psnr_db: that the message must leave, saving aside.

    Raises:
        PictureError, OptionError: as for :func:`hide_in_picture`.
    """
    options = options or PictureOptions()
    pixels = photo if isinstance(photo, np.ndarray) else read_picture(Path(photo))
    return _fitting(pixels, KeyRing(None), options, least_psnr_db, LENGTHS[-1])


def _sent(
    pixels: np.ndarray,
    message: bytes,
    ring: KeyRing,
    attacks: list[Attack],
    options: PictureOptions,
    least_psnr_db: float = LEAST_PSNR_DB,
) -> Sent | None:
    """Return the picture that carries the message, or None where none does acceptably."""
    plaintext = packed(message)
    if frame_length(len(plaintext)) is None:
        return None
    keys = ring.keys()
    inputs = b"robust", message, b"%dx%d" % pixels.shape[:2], pixels.tobytes()
    salt = message_salt(keys, entropy_of(options.seed), *inputs, length=SALT_BYTES)
    shown = options.saved_as.shown
    sent = send(pixels, framed(plaintext, keys, salt), message, keys, attacks, shown)
    # What saving costs is not the message's.
    acceptable = sent is not None and psnr_db(pixels, sent.picture) >= least_psnr_db
    return sent if acceptable else None


def _fitting(
    pixels: np.ndarray, ring: KeyRing, options: PictureOptions, psnr: float, limit: int
) -> int:
    """Return a number of bytes, ``limit`` at most, just below what a photo was seen to carry."""
    attacks = attacks_of(options.survive, (pixels.shape[0], pixels.shape[1]))
    # The same photo is promised the same number each time: no salt of chance.
    seeded = replace(options, seed=options.seed or 0)
    stream = KeyRing(None).keys().stream("robust/capacity")
    content = stream.take(LENGTHS[-1])

    def fits(length: int) -> bool:
        return _sent(pixels, content[:length], ring, attacks, seeded, psnr) is not None

    low, high = -1, limit + 1
    length = min(limit, 96)
    for _ in range(_CAPACITY_TRIES):
        if not low < length < high:
            break
        if fits(length):
            low = length
        else:
            high = length
        # Doubled or halved until there is a length on either side, then between the two.
        if high > limit and 2 * low < limit:
            length = 2 * low + 1
        elif low < 0:
            length = high // 3
        else:
            length = round((max(low, 1) * high) ** 0.5)
    return int(_CAPACITY_RESERVE * max(low, 0))


def _too_much(
    pixels: np.ndarray, message: bytes, ring: KeyRing, options: PictureOptions
) -> CapacityError:
    """Return the error that says how many bytes fit instead, and what would help."""
    limit = LEAST_PSNR_DB + _PSNR_RESERVE_DB
    fitting = _fitting(pixels, ring, options, limit, max(len(message) - 1, 1))
    option = _option_that_helps(pixels, message, ring, options)
    if not fitting:
        return CapacityError(
            f"This photo carries no message that survives {options.survive!r}; take a larger photo "
            f"or one with more detail{f', or {option}' if option else ''}."
        )
    advice = f"Shorten the message, take a larger photo, or {option}"
    if not option:
        advice = "Shorten the message or take a larger photo"
    return CapacityError(
        f"This photo does not carry {len(message)} bytes that survive {options.survive!r}; "
        f"{fitting} bytes fit. {advice}."
    )


def _option_that_helps(
    pixels: np.ndarray, message: bytes, ring: KeyRing, options: PictureOptions
) -> str:
    """Return what to change so that the photo carries the message, as was tried; or nothing."""
    saved_as = options.saved_as
    if isinstance(saved_as, PictureFormat) and saved_as.name == "JPEG":
        better = replace(options, saved_as=replace(saved_as, jpeg=JPEG_QUALITY))
        if saved_as.jpeg != JPEG_QUALITY and _carries(pixels, message, ring, better):
            return f"save it with --jpeg-quality {JPEG_QUALITY}"
    milder = list(PROFILES)[: list(PROFILES).index(options.survive)]
    for profile in reversed(milder):
        if _carries(pixels, message, ring, replace(options, survive=profile)):
            return f"ask for less with --survive {profile}"
    return ""


def _carries(pixels: np.ndarray, message: bytes, ring: KeyRing, options: PictureOptions) -> bool:
    """Return whether the photo carries the message, with a reserve for another salt."""
    attacks = attacks_of(options.survive, (pixels.shape[0], pixels.shape[1]))
    least_psnr_db = LEAST_PSNR_DB + _PSNR_RESERVE_DB
    return _sent(pixels, message, ring, attacks, options, least_psnr_db) is not None
