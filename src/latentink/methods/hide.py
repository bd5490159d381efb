"""``latentink hide`` as a method, so that it can be compared with the others.

The bits are a message, which is sealed, error-corrected and verified: all of them come back, or
nothing is written. The raw bits of other methods come back as well as they can.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from latentink.container import QUALITY_UNIT, unpack
from latentink.defaults import DEFAULT_CODEC, DEFAULT_DEVICE, DEFAULT_QUALITY
from latentink.methods.entries import MethodEntry, MethodOptions
from latentink.methods.method import Method, Stego, seed_of
from latentink.methods.saving import from_eight_bits
from latentink.receiving import reveal
from latentink.results import HideOptions
from latentink.steganography import capacity, compress, decompress, hide


@dataclass(frozen=True)
class Hide(Method):
    """Hides a message whose length is proportional to the number of pixels.

    Attributes:
        name: as on the command line.
        channel: ``"pixels"`` or ``"latents"``.
        codec: name of the codec.
        quality: 1 to 8.
        preset: name of the editor's preset; None in the latents channel, which has no editor.
        rate: message bits per pixel; the message has whole bytes, at least one. None fills the room
            of the exact coding.
        password: None is the public key.
        device: where the editor computes: a key of :data:`latentink.devices.DEVICES`.
    """

    name: str
    channel: str
    codec: str
    quality: float
    preset: str | None
    rate: float | None
    password: str | None = None
    device: str = DEFAULT_DEVICE
    corrected = True

    @property
    def suffix(self) -> str:
        """Return ``".lik"``."""
        return ".lik"

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (n,), where n is the rate times the number of pixels, in whole bytes."""
        if self.rate is None:
            room = capacity(cover, codec=self.codec, quality=self.quality, channel=self.channel)
            return (8 * room.exact_bytes,)
        return (8 * max(1, int(self.rate * cover.shape[0] * cover.shape[1]) // 8),)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a verified .lik file.

        Raises:
            OptionError: the bits are of another shape.
            CapacityError: the cover cannot carry them.
        """
        self.check_bits(cover, bits)
        options = HideOptions(
            codec=self.codec,
            quality=self.quality,
            channel=self.channel,
            preset=self.preset,
            seed=seed,
            device=self.device,
        )
        result = hide(cover, np.packbits(bits).tobytes(), password=self.password, options=options)
        return Stego(result.data, from_eight_bits(result.picture))

    def plain(self, cover: np.ndarray, like: Stego | None = None) -> Stego:
        """Return the .lik file of the cover, at the quality of the stego if one is given.

        A long message in the latents channel raises the quality, but plain files may have any.
        """
        quality = self.quality if like is None else unpack(like.data).quality_code * QUALITY_UNIT
        return self.load(
            compress(cover, codec=self.codec, quality=quality, seed=seed_of(cover)).data
        )

    def load(self, data: bytes) -> Stego:
        """Return the decoded picture of a .lik file."""
        return Stego(data, from_eight_bits(decompress(data)))

    def extract(self, stego: Stego) -> np.ndarray:
        """Return the bits of the message as −1 and 1, float32 of shape (n,).

        Raises:
            MessageNotFoundError: there is no message under this password.
        """
        message = reveal(stego.data, password=self.password)
        bits = np.unpackbits(np.frombuffer(message, dtype=np.uint8))
        return bits.astype(np.float32) * 2 - 1


def _hide(
    name: str, channel: str, preset: str | None, rate: float | None, options: MethodOptions
) -> Hide:
    return Hide(
        name,
        channel,
        DEFAULT_CODEC,
        DEFAULT_QUALITY,
        preset,
        rate,
        options.password,
        options.device,
    )


ENTRIES = tuple(
    MethodEntry(name, "latentink", summary, partial(_hide, name, channel, preset, rate))
    for name, channel, preset, rate, summary in (
        (
            "hide-balanced",
            "pixels",
            "balanced",
            1 / 32,
            "`hide --channel pixels`, 1/32 bit a pixel",
        ),
        ("hide-fast", "pixels", "fast", 1 / 32, "the same with `--preset fast`"),
        (
            "hide-exact",
            "latents",
            None,
            None,
            "`hide --exact`, as much as is hidden by proof",
        ),
        ("hide-latents", "latents", None, 1 / 4, "`hide`, 1/4 bit a pixel, measured"),
        ("hide-latents-short", "latents", None, 1 / 32, "`hide`, 1/32 bit a pixel"),
    )
)
