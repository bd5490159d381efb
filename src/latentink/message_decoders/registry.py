"""All message decoders by name: one line each in :data:`MESSAGE_DECODERS`.

To add one, write a :class:`~latentink.message_decoders.message_decoder.MessageDecoder` in a file of
its own and give it a line here. A trained dense or basic network needs neither: users name its
``.safetensors`` or ``.steg`` file instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from latentink.bundled import bundled
from latentink.errors import WeightsError
from latentink.message_decoders.decoder_file import load_decoder, load_encoder
from latentink.message_decoders.folding import fold_batch_norm
from latentink.message_decoders.keyed import keyed_decoder
from latentink.message_decoders.message_decoder import MessageDecoder, MessageEncoder
from latentink.message_decoders.periodic import PeriodicDecoder
from latentink.message_decoders.steg_checkpoint import read_steg


@dataclass(frozen=True)
class MessageDecoderEntry:
    """What stands behind the name of a message decoder.

    Attributes:
        make: Returns the message decoder of a secret key; trained ones ignore the key.
        make_encoder: Returns the message encoder that was trained with it; None if there is none.
        tried: Whether a receiver tries it when the user names no message decoder.
    """

    make: Callable[[bytes], MessageDecoder]
    make_encoder: Callable[[], MessageEncoder] | None = None
    tried: bool = False


def trained(weights: str, *, encoder: bool = True, tried: bool = False) -> MessageDecoderEntry:
    """Return the entry of bundled weights.

    Args:
        weights: Names the files: ``decoder_<weights>.safetensors`` and, for the message encoder,
            ``encoder_<weights>.safetensors``.
        encoder: Whether a message encoder was trained with it.
        tried: Whether a receiver tries it when the user names no message decoder.
    """

    def make(key: bytes) -> MessageDecoder:
        return fold_batch_norm(load_decoder(bundled(f"decoder_{weights}")))

    def make_encoder() -> MessageEncoder:
        return load_encoder(bundled(f"encoder_{weights}"))

    return MessageDecoderEntry(make, make_encoder if encoder else None, tried)


MESSAGE_DECODERS: dict[str, MessageDecoderEntry] = {
    "periodic": MessageDecoderEntry(PeriodicDecoder, tried=True),
    "periodic64": MessageDecoderEntry(partial(PeriodicDecoder, name="periodic64"), tried=True),
    "periodic128": MessageDecoderEntry(partial(PeriodicDecoder, name="periodic128"), tried=True),
    "dense": trained("dense_d1", tried=True),
    "dense2": trained("dense_d2"),
    "dense3": trained("dense_d3"),
    "dense4": trained("dense_d4"),
    "robust": trained("robust_d1", encoder=False, tried=True),
    "basic": trained("basic_d1"),
    "basic2": trained("basic_d2"),
    "basic3": trained("basic_d3"),
    "basic4": trained("basic_d4"),
    "keyed": MessageDecoderEntry(keyed_decoder, tried=True),
}
"""A receiver tries those with ``tried`` in the order of this table."""


def tried_by_receivers() -> tuple[str, ...]:
    """Return the message decoders that a receiver tries, in this order, when the user names none.

    Example:
        >>> tried_by_receivers()
        ('periodic', 'periodic64', 'periodic128', 'dense', 'robust', 'keyed')
    """
    return tuple(name for name, entry in MESSAGE_DECODERS.items() if entry.tried)


def load_message_decoder(name: str, key: bytes) -> MessageDecoder:
    """Return the message decoder called ``name``, folded, frozen and in evaluation mode.

    Args:
        name: A key of :data:`MESSAGE_DECODERS`; or the path of a SteganoGAN checkpoint (``.steg``)
            or of a trained message decoder (``.safetensors``). ``"dense"`` to ``"dense4"`` and
            ``"basic"`` to ``"basic4"`` are SteganoGAN's two architectures at data depth D = 1 to 4
            (D planes of bits at each pixel), ``"robust"`` is a dense one trained with noise and at
            a low density, ``"keyed"`` and ``"periodic"`` to ``"periodic128"`` have random weights
            drawn from ``key``.
        key: Secret bytes; the trained message decoders are public and ignore it.

    Raises:
        WeightsError: No message decoder has this name, or its file is missing or damaged.

    Example:
        >>> import torch
        >>> periodic = load_message_decoder("periodic", key=bytes(32))
        >>> periodic(torch.rand(1, 3, 64, 96)).shape  # 16 planes, a place every 4 pixels
        torch.Size([1, 16, 16, 24])
    """
    if name in MESSAGE_DECODERS:
        decoder = MESSAGE_DECODERS[name].make(key)
    elif name.endswith(".steg"):
        decoder = fold_batch_norm(read_steg(Path(name)).decoder)
    elif name.endswith(".safetensors"):
        decoder = fold_batch_norm(load_decoder(Path(name)))
    else:
        known = ", ".join(MESSAGE_DECODERS)
        raise WeightsError(f"There is no message decoder called {name!r}; there are {known}.")
    decoder.name = name
    return decoder.eval().requires_grad_(False)


def load_message_encoder(decoder_name: str) -> MessageEncoder:
    """Return the encoder that was trained with a message decoder, frozen and in evaluation mode.

    Args:
        decoder_name: A key of :data:`MESSAGE_DECODERS` whose entry has an encoder, or the path of a
            SteganoGAN checkpoint (``.steg``).

    Raises:
        WeightsError: The message decoder has no encoder, or its file is missing or damaged.
    """
    if decoder_name.endswith(".steg"):
        return read_steg(Path(decoder_name)).encoder
    entry = MESSAGE_DECODERS.get(decoder_name)
    if entry is None or entry.make_encoder is None:
        known = ", ".join(name for name, each in MESSAGE_DECODERS.items() if each.make_encoder)
        raise WeightsError(
            f"There is no encoder for the message decoder {decoder_name!r}; there is one for "
            f"{known}, and in each .steg file."
        )
    return entry.make_encoder().eval().requires_grad_(False)
