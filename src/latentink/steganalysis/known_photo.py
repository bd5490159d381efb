"""A warden who has the photo: how likely a .lik file of it is under the encoder of every file.

The encoder is public (codecs/coins.py), so the warden repeats it: of each symbol it knows whether
it was free, and if not, which symbol had to be written. A file of the encoder has the likelihood
2⁻ᶠ, f being the number of its free symbols; any other file has none. Beyond that only the coins can
tell, and of those the number that fell against the nearest symbol is what a sender would lower that
spares the photo.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from latentink.codecs.codec import Codec
from latentink.codecs.coins import are_free
from latentink.codecs.compression import decode_file
from latentink.codecs.entropy_model import Latents, nearest
from latentink.errors import OptionError
from latentink.picture import to_tensor


@dataclass(frozen=True)
class Judgement:
    """What the warden finds.

    Attributes:
        free: symbols that a coin decided.
        against: those of them that are not the nearest.
        foreign: symbols, also of the hyper-latent, that the encoder writes under no coins.
    """

    free: int
    against: int
    foreign: int

    @property
    def log_likelihood(self) -> float:
        """log₂ of the file's probability under the encoder."""
        return -math.inf if self.foreign else -float(self.free)

    @property
    def tilt(self) -> float:
        """How far ``against`` is above half of the free symbols, in standard deviations."""
        return (2 * self.against - self.free) / math.sqrt(max(self.free, 1))


def judge(codec: Codec, v: Tensor, z: np.ndarray, latents: Latents) -> Judgement:
    """Return what the latents of a file say, given the photo's analysis at the file's quality.

    Args:
        codec: of the file.
        v: (1, M, h, w), what ``codec.analyse`` returns for the photo.
        z: symbols of the hyper-latent that ``codec.hyper_analyse`` returns for it.
        latents: of the file.
    """
    y = latents.y.ravel()
    found = np.zeros(3, dtype=np.int64)

    def repeat(places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        written, expected = y[places], nearest(places, values, rows)
        free = are_free(values, rows, codec.entropy.scales)
        below = np.floor(values)
        possible = free & ((written == below) | (written == below + 1))
        differ = written != expected
        found[:] += free.sum(), (possible & differ).sum(), (differ & ~possible).sum()
        return written

    codec.quantise(v, latents.z, latents.quality_code, repeat)
    foreign = int(found[2]) + int(np.count_nonzero(latents.z != z))
    return Judgement(int(found[0]), int(found[1]), foreign)


def judge_file(photo: np.ndarray, data: bytes) -> Judgement:
    """Return what a .lik file says, given its photo.

    Args:
        photo: (H, W, 3) uint8.
        data: the bytes of the file.

    Raises:
        OptionError: the file is of a picture of another size.
        ContainerError, WeightsError: as for :func:`latentink.decompress`.

    Example:
        >>> import skimage.data
        >>> from latentink import compress, hide
        >>> photo = skimage.data.astronaut()[:128, 128:256]
        >>> judge_file(photo, compress(photo, seed=1).data).foreign
        0
        >>> judge_file(photo, hide(photo, b"meet at noon", password="tide").data).foreign
        0
    """
    decoded = decode_file(data)
    if decoded.size != photo.shape[:2]:
        raise OptionError("The file is not of this photo; it has another size; name its own.")
    codec, latents = decoded.codec, decoded.latents
    v = codec.analyse(to_tensor(photo), latents.quality_code)
    return judge(codec, v, codec.hyper_analyse(v), latents)
