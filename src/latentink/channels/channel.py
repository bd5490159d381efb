"""The contract of a channel: where a message lives, and so what it survives.

::

    sender     message, photo ─► Job ─► send ─► Carried: latents that carry it
    receiver   file or picture ─► Received ─► read ─► message, or None

A channel is one folder with its sender and its receiver, and one line in :mod:`.registry`. Both
sides lie side by side because they must agree to the last bit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from latentink.codecs.codec import Codec
from latentink.codecs.compression import Plain
from latentink.codecs.entropy_model import Latents
from latentink.codecs.file_coding import salt_of
from latentink.editing.editor import Progress
from latentink.editing.presets import Preset
from latentink.errors import CapacityError
from latentink.geometry import Rectangle
from latentink.payload.keys import KeyRing, Keys
from latentink.payload.sealing import SALT_BYTES, TAG_BYTES, message_salt, seal_packed
from latentink.picture import to_tensor
from latentink.results import HideOptions


@dataclass(frozen=True)
class Job:
    """A message, the photo that is to carry it, and how.

    Attributes:
        message: what the user hides.
        plaintext: the same as :func:`~latentink.payload.sealing.packed` returns it.
        ring: the keys of the password.
        entropy: 32 bytes from which all that is random follows.
        seed: of the editor.
        codec: compresses the photo.
        quality_code: the quality that the user asked for, in units of ``QUALITY_UNIT``.
        cover: the photo, (H, W, 3) uint8.
        plain: the photo compressed without a message.
        preset: of the editor.
        options: what the user chose.
        on_step: called after each step of the editor.
        device: where the editor computes.
    """

    message: bytes
    plaintext: bytes
    ring: KeyRing
    entropy: bytes
    seed: int
    codec: Codec
    quality_code: int
    cover: np.ndarray
    plain: Plain
    preset: Preset
    options: HideOptions
    on_step: Callable[[Progress], None]
    device: torch.device

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photo, pixels."""
        return self.cover.shape[0], self.cover.shape[1]

    @property
    def sealed_bytes(self) -> int:
        """Length of what :meth:`sealed` returns."""
        return SALT_BYTES + len(self.plaintext) + TAG_BYTES

    def file_keys(self, latents: Latents) -> Keys:
        """Return the keys of a .lik file with this header and hyper-latent."""
        return self.ring.keys(salt_of(self.codec.entropy, latents, self.size))

    def fresh(self, purpose: str, keys: Keys, length: int) -> bytes:
        """Return bytes that are random, or reproducible where the user gave a seed, 32 at most."""
        size = b"%dx%d" % self.size
        inputs = purpose.encode(), self.message, size, self.cover.tobytes()
        return message_salt(keys, self.entropy, *inputs, length=length)

    def sealed(self, keys: Keys) -> bytes:
        """Return the message, encrypted and authenticated, with its salt."""
        return seal_packed(self.plaintext, keys, self.fresh("seal", keys, SALT_BYTES))


@dataclass(frozen=True)
class Carried:
    """Latents that carry the message.

    Attributes:
        latents: of the whole photo.
        raw_bits: bits that carry, the preamble included.
        steps: of the editor.
        decoder: name of the message decoder, or what stands for it in reports.
        named_decoder: message decoder that a receiver has to name; None where it finds the message
            without being told.
        raw_accuracy: maps a function that gives the decoded picture (H, W, 3) uint8 to the share of
            raw bits that read right from it.
        security: a key of :data:`latentink.results.SECURITY`.
    """

    latents: Latents
    raw_bits: int
    steps: int
    decoder: str
    named_decoder: str | None
    raw_accuracy: Callable[[Callable[[], np.ndarray]], float]
    security: str = "measured"


@dataclass(frozen=True)
class Received:
    """What a receiver has: a .lik file, or only a picture.

    Attributes:
        size: height and width of the picture, pixels.
        part: gives a rectangle of the picture as (1, 3, h, w) in [0, 1], of 8-bit values; the
            picture of a file is decoded only where it is looked at.
        codec: of the file; None for a picture.
        latents: of the file; None for a picture.
        decoder: the only message decoder to try; None tries those that need no telling.
    """

    size: tuple[int, int]
    part: Callable[[Rectangle], Tensor]
    codec: Codec | None = None
    latents: Latents | None = None
    decoder: str | None = None


def received_picture(picture: np.ndarray, decoder: str | None = None) -> Received:
    """Return what a receiver has of a picture (H, W, 3) uint8; ``decoder`` as in Received."""
    return Received(
        (picture.shape[0], picture.shape[1]),
        lambda part: to_tensor(picture[part.rows, part.columns]),
        decoder=decoder,
    )


@dataclass(frozen=True)
class Room:
    """Lengths of messages that a photo takes, in bytes before sealing.

    Attributes:
        message_bytes: fit at acceptable quality.
        limit_bytes: nothing longer fits.
        at_any_quality: whether the limit holds at every quality, or only at the plain photo's.
        exact_bytes: fit so that no detector can tell, 0 where the channel proves nothing.
    """

    message_bytes: int
    limit_bytes: int
    at_any_quality: bool
    exact_bytes: int = 0


class Channel(ABC):
    """Sender and receiver of one place for messages; stateless.

    Attributes:
        name: as on the command line.
        in_picture: whether a lossless copy of the decoded picture delivers the message too.
    """

    name: ClassVar[str]
    in_picture: ClassVar[bool]

    @abstractmethod
    def check(self, options: HideOptions) -> None:
        """Refuse options that this channel has no use for, before any work.

        Raises:
            OptionError: the sentence names the option.
        """

    @abstractmethod
    def send(self, job: Job) -> Carried:
        """Return latents that carry the job's message.

        Raises:
            CapacityError: the photo cannot carry the message; the sentence says how much it can.
            OptionError: an option does not go with this codec.
            WeightsError: a network that the options ask for is missing.
        """

    @abstractmethod
    def read(self, received: Received, ring: KeyRing) -> bytes | None:
        """Return the message, or None where the keys of this password find none.

        Raises:
            MessageNotFoundError: there is one, but too much of it is damaged.
            WeightsError: a network that reading needs is missing or unknown.
        """

    @abstractmethod
    def capacity(self, codec: Codec, plain: Plain, preset: Preset) -> Room:
        """Return how long a message the photo takes; an estimate, of which ``send`` is the proof.

        Args:
            codec: of the plain photo.
            plain: the photo compressed without a message.
            preset: of the editor.
        """


def too_much(message: bytes, fitting: int) -> CapacityError:
    """Return the error that says about how many bytes should fit instead of ``message``."""
    fitting = max(0, min(fitting, len(message) - 1))
    if fitting == 0:
        return carries_nothing()
    return CapacityError(
        f"This photo does not carry {len(message)} bytes at acceptable quality; about {fitting} "
        "bytes should fit. Shorten the message, raise --quality or take a larger photo."
    )


def carries_nothing() -> CapacityError:
    """Return the error that says that not even a short message fits."""
    return CapacityError(
        "This photo carries no message at acceptable quality; take a larger photo or one with more "
        "detail."
    )
