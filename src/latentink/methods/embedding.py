"""Embeds random bits or a message with any method, and measures the result."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from latentink.errors import CapacityError, MessageNotFoundError, OptionError
from latentink.methods.messages import message_bits, message_from
from latentink.methods.method import Method, Stego, random_bits
from latentink.metrics.raw_bits import raw_accuracy, rsbpp, shannon_bpp
from latentink.payload.keys import Keys
from latentink.payload.keystream import entropy_of
from latentink.payload.sealing import message_salt, seal
from latentink.picture import picture_psnr_db


@dataclass(frozen=True)
class EmbedReport:
    """Figures of a stego.

    The figures that need the bits back are None for a method that is only simulated.

    Attributes:
        method: its name.
        raw_accuracy: share of the raw bits that are read correctly.
        psnr_db: PSNR of the file's picture against the cover, dB.
        bpp: bits of the file per pixel.
        file_bytes: size of the file.
        density: D, raw bits per pixel.
        rsbpp: D·(1 − 2p), with p the share of wrong bits.
        rsbpp_rate: the same per bit of the file.
        shannon_rate: D·(1 − H(p)) per bit of the file.
        payload_bytes: length of the message that came back; None for random bits.
        seconds: wall time of embedding.
    """

    method: str
    raw_accuracy: float | None
    psnr_db: float
    bpp: float
    file_bytes: int
    density: float
    rsbpp: float | None
    rsbpp_rate: float | None
    shannon_rate: float | None
    payload_bytes: int | None
    seconds: float


def embed_random(method: Method, cover: np.ndarray, seed: int) -> tuple[Stego, EmbedReport]:
    """Embed random bits in a cover and measure how well they come back.

    Args:
        method: any method.
        cover: (H, W, 3) uint8.
        seed: of the bits and of the method, 0 or more.

    Returns:
        The stego, and its figures.

    Raises:
        OptionError: the method does not take this cover.

    Example:
        >>> from latentink.methods.lsb import LsbMatching
        >>> cover = np.full((32, 48, 3), 200, np.uint8)
        >>> stego, report = embed_random(LsbMatching(), cover, seed=1)
        >>> stego.picture.shape, report.raw_accuracy, round(report.psnr_db)
        ((32, 48, 3), 1.0, 56)
    """
    bits = random_bits(method.bits_shape(cover), seed)
    stego, _, report = _embed(method, cover, bits, seed, None)
    return stego, report


def embed_message(
    method: Method, cover: np.ndarray, message: bytes, keys: Keys, seed: int
) -> tuple[Stego, EmbedReport]:
    """Embed a message in a cover, sealed and coded, and read it back from the file.

    Args:
        method: any method that is not only simulated.
        cover: (H, W, 3) uint8.
        message: any bytes.
        keys: from the password.
        seed: of the salt and of the method, 0 or more.

    Returns:
        The stego, and its figures.

    Raises:
        OptionError: the method is only simulated, or does not take this cover.
        CapacityError: the cover has too few places, or the message does not come back.
    """
    if method.simulated:
        raise OptionError(
            f"{method.name} is only simulated and carries no message; "
            "take another method, or no message."
        )
    size = b"%dx%d" % cover.shape[:2]
    salt = message_salt(keys, entropy_of(seed), message, size, cover.tobytes())
    sealed = seal(message, keys, salt)
    bits = message_bits(sealed, method.bits_shape(cover), keys)
    stego, soft, report = _embed(method, cover, bits, seed, len(message))
    try:
        returned = message_from(soft, keys)
    except MessageNotFoundError:
        returned = None
    if returned != message:
        raise CapacityError(
            f"{method.name} got {report.raw_accuracy:.1%} of the bits right, too few for the "
            "message to come back, so nothing was written; use a shorter message or another "
            "method."
        )
    return stego, report


def _embed(
    method: Method, cover: np.ndarray, bits: np.ndarray, seed: int, payload_bytes: int | None
) -> tuple[Stego, np.ndarray, EmbedReport]:
    """Return the stego, the soft bits read from its file (none if simulated), and its figures."""
    started = time.monotonic()
    stego = method.embed(cover, bits, seed)
    seconds = time.monotonic() - started
    pixels = cover.shape[0] * cover.shape[1]
    bpp, density = 8 * len(stego.data) / pixels, bits.size / pixels
    accuracy = rate = shannon = None
    soft = np.zeros(0, np.float32)
    if not method.simulated:
        soft = method.extract(method.load(stego.data))
        accuracy = raw_accuracy(soft, bits)
        rate, shannon = rsbpp(accuracy, density), shannon_bpp(accuracy, density)
    return (
        stego,
        soft,
        EmbedReport(
            method=method.name,
            raw_accuracy=accuracy,
            psnr_db=picture_psnr_db(cover, stego.picture),
            bpp=bpp,
            file_bytes=len(stego.data),
            density=density,
            rsbpp=rate,
            rsbpp_rate=None if rate is None else rate / bpp,
            shannon_rate=None if shannon is None else shannon / bpp,
            payload_bytes=payload_bytes,
            seconds=seconds,
        ),
    )
