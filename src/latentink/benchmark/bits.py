"""The bits that a photo gets: the same in every run, on every machine, for methods alike."""

from __future__ import annotations

import hashlib

import numpy as np

from latentink.methods.method import random_bits


def photo_bits(shape: tuple[int, ...], seed: int, photo: str) -> np.ndarray:
    """Return uint8 bits of 0 and 1, p = 0.5, that depend on the seed and the photo's name alone.

    "Train the Latent, Not the Image", section 5, embeds such random strings; an encrypted message
    looks the same.

    Args:
        shape: of the bits (:meth:`Method.bits_shape`).
        seed: of the whole run.
        photo: name of the photo's file.
    """
    digest = hashlib.sha256(f"{seed} {photo}".encode()).digest()
    return random_bits(shape, int.from_bytes(digest[:8], "little"))
