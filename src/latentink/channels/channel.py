"""What a channel gets from ``hide`` and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentink.codecs.codec import Codec, Latents
from latentink.codecs.compression import Plain
from latentink.editing.editor import Progress
from latentink.editing.presets import Preset
from latentink.errors import CapacityError
from latentink.payload.keys import Keys


@dataclass(frozen=True)
class Job:
    """A sealed message, the photo that is to carry it, and how.

    Attributes:
        message: what the user hides.
        sealed: the same, encrypted.
        keys: from the password.
        codec: the codec.
        quality_code: the quality that the user asked for, in units of ``QUALITY_UNIT``.
        plain: the photo.
        preset: of the editor.
        decoder: message decoder instead of the preset's, or None.
        evade: file of a detector that the picture should not be caught by, or None.
        from_encoder: whether the search starts at the decoder's encoder's picture (Figure 1).
        steps: instead of the preset's, or None.
        seconds: budget of one schedule, or None.
        seed: of everything random.
        on_step: called after each step of the editor.
    """

    message: bytes
    sealed: bytes
    keys: Keys
    codec: Codec
    quality_code: int
    plain: Plain
    preset: Preset
    decoder: str | None
    evade: Path | None
    from_encoder: bool
    steps: int | None
    seconds: float | None
    seed: int
    on_step: Callable[[Progress], None]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photo, pixels."""
        return self.plain.picture.shape[0], self.plain.picture.shape[1]


@dataclass(frozen=True)
class Carried:
    """Latents that carry the message.

    Attributes:
        latents: of the whole photo.
        raw_bits: bits that carry, the preamble included.
        steps: of the editor.
        decoder: name of the message decoder; ``"symbols"`` in the latents channel.
        raw_accuracy: of a decoded picture (H, W, 3) uint8: share of raw bits that are right.
    """

    latents: Latents
    raw_bits: int
    steps: int
    decoder: str
    raw_accuracy: Callable[[np.ndarray], float]


def too_much(message: bytes, fitting: int) -> CapacityError:
    """Return the error that says about how many bytes should fit instead."""
    fitting = max(0, min(fitting, len(message) - 1))
    return CapacityError(
        f"This photo does not carry {len(message)} bytes at acceptable quality; about {fitting} "
        "bytes should fit. Shorten the message, raise --quality or take a larger photo."
    )
