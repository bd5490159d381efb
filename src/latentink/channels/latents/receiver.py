"""The receiver of the latents channel: a message of the exact coding, or else of the measured one.

There is no error to correct: the symbols of a file are exact, or the file is refused.
"""

from __future__ import annotations

from latentink.channels.channel import Received
from latentink.channels.latents.exact.receiver import read_exactly
from latentink.channels.latents.measured.receiver import read_sealed
from latentink.codecs.compression import salt_of
from latentink.payload.keys import KeyRing
from latentink.payload.sealing import unseal


def read_message(received: Received, ring: KeyRing) -> bytes | None:
    """Return the message in the symbols of a file; None for a picture, or where there is none.

    Raises:
        MessageNotFoundError: a preamble of the measured coding was found, but the seal is broken.
    """
    codec, latents = received.codec, received.latents
    if codec is None or latents is None:
        return None
    keys = ring.keys(salt_of(codec, latents, received.size))
    passes = codec.passes(latents.y.shape)
    message = read_exactly(latents.y, latents.indexes, passes, keys, codec.scales)
    if message is not None:
        return message
    sealed = read_sealed(latents.y, latents.indexes, passes, keys)
    return None if sealed is None else unseal(sealed, keys)
