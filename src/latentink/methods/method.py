"""The contract of everything that a benchmark compares.

```
 cover (H, W, 3) uint8 ─┐
                        ├─► embed ─► Stego: a file, and the picture in it ─► extract ─► soft bits
 bits, 0 and 1 ─────────┘
```

``embed`` gives the file that travels; ``load`` makes of its bytes what the receiver has, and
``extract`` reads from that alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

from latentink.errors import OptionError
from latentink.methods.saving import Saving, from_eight_bits


@dataclass(frozen=True)
class Stego:
    """A file that carries bits.

    Attributes:
        data: the bytes of the file; its size counts as the rate.
        picture: (H, W, 3) float32 in [0, 1], what the file shows; k/255 where it holds 8 bits.
    """

    data: bytes = field(repr=False)
    picture: np.ndarray = field(repr=False)


class Method(ABC):
    """Hides bits in a cover and reads them back.

    Attributes:
        name: the row's name, as in the paper's tables, in lower case.
        simulated: True for embedding that is only simulated: the changes are statistically right,
            but ``extract`` is refused.
        corrected: True where the bits go through an error correction of the method's own, so that
            those that come back are a message.
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
        """Return the shape of the bits that the cover (H, W, 3) uint8 takes.

        (D, H, W) where each pixel takes D bits; (n,) where places are counted otherwise.
        """

    @abstractmethod
    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a file that carries ``bits``.

        Args:
            cover: (H, W, 3) uint8.
            bits: uint8 of 0 and 1, of the shape that :meth:`bits_shape` gives.
            seed: of everything random; the same inputs and seed give the same bytes.

        Raises:
            OptionError: the bits are of another shape, or the cover does not serve.
        """

    @abstractmethod
    def plain(self, cover: np.ndarray, like: Stego | None = None) -> Stego:
        """Return the file that :meth:`embed` would have made of the cover without any bits.

        That, and not the camera's file, is what a stego must be compared with: a detector that
        tells the two formats apart has found no message.

        Args:
            cover: (H, W, 3) uint8.
            like: a stego whose settings the file shall have where the method chooses them by the
                bits.
        """

    @abstractmethod
    def load(self, data: bytes) -> Stego:
        """Return the stego in the bytes of a file.

        Raises:
            PictureError, ContainerError: the file is damaged or of another kind.
        """

    @abstractmethod
    def extract(self, stego: Stego) -> np.ndarray:
        """Return soft bits float32 in the shape of the embedded bits; positive is bit 1.

        Raises:
            OptionError: the method is only simulated.
            MessageNotFoundError: the file carries nothing that this method could read.
        """

    def check_bits(self, cover: np.ndarray, bits: np.ndarray) -> None:
        """Raise OptionError unless ``bits`` has the shape that ``cover`` takes."""
        expected = self.bits_shape(cover)
        if bits.shape != expected:
            raise OptionError(f"{self.name} takes bits of shape {expected}, not {bits.shape}.")


class SavedMethod(Method):
    """A method that changes pixels, and whose file is a picture saved in a common format.

    Attributes:
        saving: of the finished picture.
    """

    saving: Saving

    @property
    def suffix(self) -> str:
        """Return the saved file's suffix."""
        return self.saving.suffix

    def plain(self, cover: np.ndarray, like: Stego | None = None) -> Stego:
        """Return the cover, saved alike."""
        return self.load(self.saving.encode(from_eight_bits(cover)))

    def load(self, data: bytes) -> Stego:
        """Return the picture in the bytes of a saved file.

        Raises:
            PictureError: the file is damaged or of another kind.
        """
        return Stego(data, self.saving.decode(data))


class PaintedMethod(SavedMethod):
    """A method that finds a picture first, in whichever format it is saved then."""

    @property
    @abstractmethod
    def search(self) -> Hashable:
        """Return what :meth:`find` depends on beside cover and bits.

        Methods with the same find the same picture, so that a benchmark need find it once.
        """

    @abstractmethod
    def find(self, cover: np.ndarray, bits: np.ndarray) -> np.ndarray:
        """Return the picture (H, W, 3) float32 in [0, 1] before it is saved; see :meth:`embed`."""

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return the saved picture; nothing in the search is random.

        Raises:
            OptionError: the bits are of another shape, or the cover does not serve.
        """
        return self.load(self.saving.encode(self.find(cover, bits)))


def random_bits(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return uint8 bits of 0 and 1, p = 0.5: the same for the same shape and seed."""
    return np.random.default_rng(seed).integers(0, 2, shape, dtype=np.uint8)
