"""The receiver of the latents channel: a message of the exact coding, or else of the measured one.

There is no error to correct: the symbols of a file are exact, or the file is refused.
"""

from __future__ import annotations

from latentink.channels.latents.exact.receiver import read_exactly
from latentink.channels.latents.measured.receiver import read_sealed
from latentink.codecs.entropy_model import EntropyModel, Latents
from latentink.codecs.file_coding import salt_of
from latentink.payload.keys import KeyRing
from latentink.payload.sealing import unseal


def message_in_symbols(
    entropy: EntropyModel, latents: Latents, size: tuple[int, int], ring: KeyRing
) -> bytes | None:
    """Return the message in the symbols of a file, or None where there is none.

    Args:
        entropy: the entropy model of the file's codec.
        latents: of the file.
        size: height and width of its picture, pixels.
        ring: the keys of the password.

    Raises:
        MessageNotFoundError: a preamble of the measured coding was found, but the seal is broken.
    """
    keys = ring.keys(salt_of(entropy, latents, size))
    y, rows = entropy.by_pass(latents.y), entropy.by_pass(latents.indexes)
    message = read_exactly(y, rows, keys, entropy.scales)
    if message is not None:
        return message
    passes = entropy.passes(latents.y.shape)
    sealed = read_sealed(latents.y, latents.indexes, passes, keys)
    return None if sealed is None else unseal(sealed, keys)
