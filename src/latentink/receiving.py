"""reveal(): the receiver, who has a file and a password and need not know the channel.

What an ordinary picture carries, and what the symbols of a .lik file carry, is read first, without
PyTorch; that is loaded only where the file, or a picture without loss, may carry something else.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from latentink.channels.latents.receiver import message_in_symbols
from latentink.codecs.file_coding import decode_latents
from latentink.codecs.loading import codec_of_file, entropy_model_of_file
from latentink.container import MAGIC, unpack
from latentink.errors import MessageNotFoundError
from latentink.payload.keys import KeyRing
from latentink.picture import decode_both_ways, read_file

_JPEG_MAGIC = b"\xff\xd8"


def reveal(
    stego: bytes | np.ndarray | Path | str,
    *,
    password: str | None = None,
    decoder: str | None = None,
    weights: Path | None = None,
) -> bytes:
    """Return the message in a .lik file, in its decoded picture, or in an ordinary picture.

    Args:
        stego: bytes or path of a .lik file or of a picture, or (H, W, 3) uint8.
        password: the sender's; None if the sender gave none.
        decoder: message decoder; only one from a file of the sender's needs to be named.
        weights: the codec's weights file, where it is neither bundled nor in the user's folder.

    Raises:
        MessageNotFoundError: wrong password, or there is no message.
        ContainerError: the .lik file is damaged.
        PictureError: the file is neither a .lik file nor a picture.
        WeightsError: there is no such message decoder.

    Example:
        >>> import skimage.data
        >>> from latentink import hide_in_picture
        >>> stego = hide_in_picture(skimage.data.astronaut(), b"meet at noon", password="tide")
        >>> reveal(stego.data, password="tide")
        b'meet at noon'
    """
    ring = KeyRing(password)
    if isinstance(stego, np.ndarray):
        return _in_picture(stego, ring, decoder, lossless=True)
    data = stego if isinstance(stego, bytes) else read_file(Path(stego))
    if data[: len(MAGIC)] == MAGIC:
        return _in_file(data, ring, decoder, weights)
    name = "This data" if isinstance(stego, bytes) else Path(stego).name
    # A viewer may have turned a picture by its EXIF orientation and left its pixels alone.
    upright, *stored = decode_both_ways(data, name)
    lossless = data[:2] != _JPEG_MAGIC
    try:
        return _in_picture(upright, ring, decoder, lossless)
    except MessageNotFoundError:
        for picture in stored:
            with suppress(MessageNotFoundError):
                return _in_picture(picture, ring, decoder, lossless)
        raise


def _in_picture(picture: np.ndarray, ring: KeyRing, decoder: str | None, lossless: bool) -> bytes:
    """Return the message in a picture (H, W, 3) uint8; errors as for :func:`reveal`."""
    from latentink.ordinary_pictures import reveal_from_picture

    message = None if decoder else reveal_from_picture(picture, ring)
    if message is not None:
        return message
    if not lossless:
        raise MessageNotFoundError(
            "No message was found: the password is missing or wrong, or the picture carries no "
            "message; JPEG keeps only what was hidden in an ordinary picture."
        )
    from latentink.steganography import message_by_networks

    return message_by_networks(picture, ring, decoder)


def _in_file(data: bytes, ring: KeyRing, decoder: str | None, weights: Path | None) -> bytes:
    """Return the message in the bytes of a .lik file: in its symbols, or in its picture."""
    file = unpack(data)
    entropy = entropy_model_of_file(file.codec_number, file.fingerprint, weights)
    # A damaged file is refused before the slow key, which is derived beside the decoding.
    latents = decode_latents(entropy, file, ring.prepare)
    # By chance another channel's message may be taken for a damaged one of this.
    with suppress(MessageNotFoundError):
        message = message_in_symbols(entropy, latents, (file.height, file.width), ring)
        if message is not None:
            return message
    from latentink.codecs.compression import Decoded
    from latentink.ordinary_pictures import reveal_from_picture
    from latentink.steganography import message_by_networks

    codec = codec_of_file(file.codec_number, file.fingerprint, weights)
    decoded = Decoded(codec, latents, (file.height, file.width))
    try:
        return message_by_networks(decoded, ring, decoder)
    except MessageNotFoundError:
        message = reveal_from_picture(decoded.picture(), ring)
        if message is None:
            raise
        return message
