"""The .lik file as a format of pictures: what the robust channel puts into it survives decoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentink.defaults import DEFAULT_CODEC, DEFAULT_QUALITY
from latentink.steganography import compress, decompress


@dataclass(frozen=True)
class LikFormat:
    """A .lik file, whose decoded picture carries the message.

    Attributes:
        codec: name (codecs/registry.py).
        quality: 1 (small file) to 8 (good picture), any number between.
        seed: of the encoder's coins: the same picture has to give the same file.
    """

    codec: str = DEFAULT_CODEC
    quality: float = DEFAULT_QUALITY
    seed: int = 0

    def encode(self, picture: np.ndarray) -> bytes:
        """Return the bytes of a file of a picture (H, W, 3) uint8."""
        return compress(picture, codec=self.codec, quality=self.quality, seed=self.seed).data

    def shown(self, picture: np.ndarray) -> np.ndarray:
        """Return what a reader sees of a picture (H, W, 3) uint8 that was saved."""
        return decompress(self.encode(picture))
