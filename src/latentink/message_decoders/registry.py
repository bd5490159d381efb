"""Message decoders by name."""

from __future__ import annotations

from pathlib import Path

from latentink.errors import WeightsError
from latentink.message_decoders.decoder_file import Encoder, load_decoder, load_encoder
from latentink.message_decoders.folding import fold_batch_norm
from latentink.message_decoders.keyed import keyed_decoder
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.message_decoders.periodic import PERIODS, PeriodicDecoder
from latentink.message_decoders.steg_checkpoint import read_steg

BUNDLED = {
    "dense": "decoder_dense_d1.safetensors",
    "dense2": "decoder_dense_d2.safetensors",
    "dense3": "decoder_dense_d3.safetensors",
    "dense4": "decoder_dense_d4.safetensors",
    "robust": "decoder_robust_d1.safetensors",
    "basic": "decoder_basic_d1.safetensors",
    "basic2": "decoder_basic_d2.safetensors",
    "basic3": "decoder_basic_d3.safetensors",
    "basic4": "decoder_basic_d4.safetensors",
}
ENCODERS = {
    "dense": "encoder_dense_d1.safetensors",
    "dense2": "encoder_dense_d2.safetensors",
    "dense3": "encoder_dense_d3.safetensors",
    "dense4": "encoder_dense_d4.safetensors",
    "basic": "encoder_basic_d1.safetensors",
    "basic2": "encoder_basic_d2.safetensors",
    "basic3": "encoder_basic_d3.safetensors",
    "basic4": "encoder_basic_d4.safetensors",
}
"""Encoders by the names of the decoders that they were trained with."""

WEIGHTS = Path(__file__).parent.parent / "weights"


def decoder_names() -> list[str]:
    """Return the names that :func:`load_message_decoder` knows."""
    return [*PERIODS, *BUNDLED, "keyed"]


def load_message_decoder(name: str, key: bytes) -> MessageDecoder:
    """Return the message decoder called ``name``, folded, frozen and in evaluation mode.

    Args:
        name: ``"dense"``, ``"dense2"``, ``"dense3"`` or ``"dense4"`` (as in SteganoGAN, with
            data depth D = 1 to 4: D planes of bits at each pixel), ``"robust"`` (trained with noise
            and at a low density), ``"basic"`` to ``"basic4"`` (SteganoGAN's other one),
            ``"keyed"``, ``"periodic"``, ``"periodic64"`` or ``"periodic128"`` (random weights
            drawn from ``key``); or the path of a SteganoGAN checkpoint (.steg) or of a trained
            decoder (.safetensors).
        key: Secret bytes; the trained decoders are public and do not look at it.

    Raises:
        WeightsError: No decoder has this name, or its bundled file is missing or damaged.
    """
    if name in PERIODS:
        return PeriodicDecoder(key, name).eval()
    if name == "keyed":
        return keyed_decoder(key)
    if name.endswith((".steg", ".safetensors")):
        path = Path(name)
        own = read_steg(path).decoder if name.endswith(".steg") else load_decoder(path)
        decoder = fold_batch_norm(own)
        decoder.name = name
        return decoder
    if name not in BUNDLED:
        known = ", ".join(decoder_names())
        raise WeightsError(f"There is no message decoder called {name!r}; there are {known}.")
    decoder = fold_batch_norm(load_decoder(WEIGHTS / BUNDLED[name]))
    decoder.name = name
    return decoder


def load_message_encoder(decoder_name: str) -> Encoder:
    """Return the encoder that was trained with a message decoder, frozen and in evaluation mode.

    Args:
        decoder_name: ``"dense"`` to ``"dense4"``, ``"basic"`` to ``"basic4"``, or the path of a
            SteganoGAN checkpoint (.steg).

    Raises:
        WeightsError: The decoder has no encoder, or its file is missing or damaged.
    """
    if decoder_name.endswith(".steg"):
        return read_steg(Path(decoder_name)).encoder
    if decoder_name not in ENCODERS:
        known = ", ".join(ENCODERS)
        raise WeightsError(
            f"There is no encoder for the message decoder {decoder_name!r}; there is one for "
            f"{known}, and in each .steg file."
        )
    return load_encoder(WEIGHTS / ENCODERS[decoder_name])
