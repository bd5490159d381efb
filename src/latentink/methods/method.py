"""The contract of methods, which hide bits in a photo and which a benchmark compares.

```
 cover (H, W, 3) uint8 ─┐
                        ├─► embed ─► Stego: a file, and the picture in it ─► extract ─► soft bits
 bits, 0 and 1 ─────────┘
```

``embed`` makes the file that is sent. ``load`` turns its bytes into what the receiver has, and
``extract`` reads only from that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from latentink.errors import OptionError
from latentink.methods.saving import Saving, from_eight_bits


@dataclass(frozen=True)
class Stego:
    """A file that carries bits.

    Attributes:
        data: the bytes of the file.
        picture: (H, W, 3) float32 in [0, 1], what the file shows; k/255 if it holds 8-bit values.
    """

    data: bytes = field(repr=False)
    picture: np.ndarray = field(repr=False)


class Method(ABC):
    """Hides bits in a cover and reads them back.

    Attributes:
        name: as on the command line: the name in the paper's tables, in lower case.
        simulated: whether embedding is only simulated: the changes have the right statistics, but
            ``extract`` raises OptionError.
        corrected: whether the method has an error correction of its own, so that its bits are a
            message and all come back.
    """

    name: str
    simulated: bool = False
    corrected: bool = False

    @property
    @abstractmethod
    def suffix(self) -> str:
        """The ending of the file that ``embed`` makes, with its dot."""

    @abstractmethod
    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return the shape of the bits that fit the cover (H, W, 3) uint8.

        It is (D, H, W) if each pixel takes D bits, otherwise (n,).
        """

    @abstractmethod
    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a file that carries ``bits``.

        Args:
            cover: (H, W, 3) uint8.
            bits: uint8 of 0 and 1, of the shape that :meth:`bits_shape` gives.
            seed: 0 or more, of everything random; the same inputs and seed give the same bytes.

        Raises:
            OptionError: the bits are of another shape, or the method does not take this cover.
        """

    @abstractmethod
    def plain(self, cover: np.ndarray, like: Stego | None = None) -> Stego:
        """Return the file that :meth:`embed` would make of the cover without any bits.

        A stego must be compared with this file and not with the camera's: a detector that tells the
        two formats apart has found no message.

        Args:
            cover: (H, W, 3) uint8.
            like: a stego; if the method chooses settings by the bits, the file gets those of
                this stego.
        """

    @abstractmethod
    def load(self, data: bytes) -> Stego:
        """Return the stego in the bytes of a file.

        Raises:
            PictureError, ContainerError: the file is damaged or of another kind.
        """

    @abstractmethod
    def extract(self, stego: Stego) -> np.ndarray:
        """Return soft bits, float32 in the shape of the embedded bits; positive is bit 1.

        Raises:
            OptionError: the method is only simulated.
            MessageNotFoundError: the file carries nothing that this method can read.
        """

    def check_bits(self, cover: np.ndarray, bits: np.ndarray) -> None:
        """Raise OptionError unless ``bits`` has the shape that ``cover`` takes."""
        expected = self.bits_shape(cover)
        if bits.shape != expected:
            raise OptionError(f"{self.name} takes bits of shape {expected}, not {bits.shape}.")


class SavedMethod(Method):
    """A method that changes pixels and saves the picture in a common format.

    Attributes:
        saving: how the finished picture is saved.
    """

    saving: Saving

    @property
    def suffix(self) -> str:
        """Return the suffix of the format."""
        return self.saving.suffix

    def plain(self, cover: np.ndarray, like: Stego | None = None) -> Stego:
        """Return the cover, saved in the same format."""
        return self.load(self.saving.encode(from_eight_bits(cover)))

    def load(self, data: bytes) -> Stego:
        """Return the picture in the bytes of a saved file.

        Raises:
            PictureError: the file is damaged or of another kind.
        """
        return Stego(data, self.saving.decode(data))


class PaintedMethod(SavedMethod):
    """A method that finds a picture first and then saves it in any format."""

    @property
    @abstractmethod
    def search(self) -> Hashable:
        """Return what :meth:`find` depends on besides cover and bits.

        Methods with an equal ``search`` find the same picture, so a benchmark finds it only once.
        """

    @abstractmethod
    def find(self, cover: np.ndarray, bits: np.ndarray) -> np.ndarray:
        """Return the picture (H, W, 3) float32 in [0, 1] before it is saved.

        Arguments and errors are those of :meth:`embed`.
        """

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return the picture that was found, saved; nothing is random, so the seed has no effect.

        Raises:
            OptionError: the bits are of another shape, or the method does not take this cover.
        """
        return self.load(self.saving.encode(self.find(cover, bits)))


def seed_of(cover: np.ndarray) -> int:
    """Return the seed of a cover's plain files: their encoder has other coins for every cover."""
    return int.from_bytes(sha256(cover.tobytes()).digest()[:6], "little")


def random_bits(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return fair random bits, uint8 of 0 and 1; the same shape and seed give the same bits.

    Example:
        >>> random_bits((2, 4), seed=1)
        array([[1, 1, 0, 0],
               [1, 1, 0, 1]], dtype=uint8)
    """
    return np.random.default_rng(seed).integers(0, 2, shape, dtype=np.uint8)
