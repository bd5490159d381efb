"""``latentink hide`` into an ordinary picture as a method, beside others that survive JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from latentink.errors import MessageNotFoundError
from latentink.methods.entries import MethodEntry, MethodOptions
from latentink.methods.method import SavedMethod, Stego
from latentink.methods.saving import Png, eight_bits
from latentink.ordinary_pictures import hide_in_picture, reveal_from_picture
from latentink.payload.keys import KeyRing
from latentink.results import PictureOptions


@dataclass(frozen=True)
class Robust(SavedMethod):
    """Hides a message that survives a profile's attacks, in a PNG.

    Attributes:
        name: as on the command line.
        survive: the profile (attacks/profiles.py).
        rate: message bits per pixel; the message has whole bytes, at least one.
        password: None is the public key.
    """

    name: str
    survive: str
    rate: float
    password: str | None = None
    saving = Png()
    corrected = True

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (n,), where n is the rate times the number of pixels, in whole bytes."""
        return (8 * max(1, int(self.rate * cover.shape[0] * cover.shape[1]) // 8),)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a PNG that was attacked and read.

        Raises:
            OptionError: the bits are of another shape.
            CapacityError: the cover cannot carry them.
        """
        self.check_bits(cover, bits)
        result = hide_in_picture(
            cover,
            np.packbits(bits).tobytes(),
            password=self.password,
            options=PictureOptions(self.survive, seed=seed),
        )
        return self.load(result.data)

    def extract(self, stego: Stego) -> np.ndarray:
        """Return the bits of the message as −1 and 1, float32 of shape (n,).

        Raises:
            MessageNotFoundError: there is no message under this password.
        """
        message = reveal_from_picture(eight_bits(stego.picture), KeyRing(self.password))
        if message is None:
            raise MessageNotFoundError(
                "No message was found: the password is wrong, or the picture carries no message."
            )
        bits = np.unpackbits(np.frombuffer(message, dtype=np.uint8))
        return bits.astype(np.float32) * 2 - 1


def _robust(name: str, survive: str, rate: float, options: MethodOptions) -> Robust:
    return Robust(name, survive, rate, options.password)


ENTRIES = tuple(
    MethodEntry(name, "latentink", summary, partial(_robust, name, survive, rate))
    for name, survive, rate, summary in (
        ("robust-web", "web", 1 / 64, "`hide` in a picture, `--survive web`, 1/64 bit a pixel"),
        (
            "robust-messenger",
            "messenger",
            1 / 512,
            "`hide` in a picture, `--survive messenger`, 1/512 bit a pixel",
        ),
    )
)
