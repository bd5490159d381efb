"""Bytes to residues of symbols and back."""

from __future__ import annotations

import numpy as np

from latentink.channels.latents.measured.preamble import LatentsPlan


def to_residues(sealed: bytes, bits: int) -> np.ndarray:
    """Return ``sealed`` as numbers of ``bits`` bits, least significant first, zeros at the end."""
    stream = np.unpackbits(np.frombuffer(sealed, dtype=np.uint8), bitorder="little")
    padded = np.pad(stream, (0, -len(stream) % bits)).reshape(-1, bits)
    return padded.astype(np.int64) @ (1 << np.arange(bits))


def from_residues(residues: np.ndarray, plan: LatentsPlan) -> bytes:
    """Return the bytes of :func:`to_residues`."""
    stream = (residues[:, None] >> np.arange(plan.bits)) & 1
    packed = np.packbits(
        stream.ravel()[: 8 * plan.sealed_bytes].astype(np.uint8), bitorder="little"
    )
    return packed.tobytes()
