"""The safetensors files of trained message decoders and message encoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from latentink.errors import unfit_weights
from latentink.message_decoders.basic import BasicDecoder, BasicEncoder
from latentink.message_decoders.dense import DenseDecoder, DenseEncoder
from latentink.tensor_files import (
    fill,
    metadata_number,
    read_safetensors,
    write_safetensors,
)

FORMAT = "latentink message decoder 1"
ENCODER_FORMAT = "latentink message encoder 1"

Decoder = DenseDecoder | BasicDecoder
Encoder = DenseEncoder | BasicEncoder
_Network = TypeVar("_Network", DenseDecoder | BasicDecoder, DenseEncoder | BasicEncoder)

ARCHITECTURES: dict[str, Callable[[int, int], Decoder]] = {
    "dense": DenseDecoder,
    "basic": BasicDecoder,
}
ENCODERS: dict[str, Callable[[int, int], Encoder]] = {
    "dense": DenseEncoder,
    "basic": BasicEncoder,
    "residual": partial(BasicEncoder, residual=True),
}

MAX_HIDDEN = 512
MAX_DATA_DEPTH = 64


def save_decoder(decoder: Decoder, path: Path, notes: dict[str, str] | None = None) -> None:
    """Write ``decoder`` to ``path`` as safetensors, replacing the file in one step.

    Args:
        decoder: An unfolded message decoder; its weights are written as float32.
        path: The file to write; its folder must exist.
        notes: Further metadata, such as where the weights come from; nothing interprets it.

    Raises:
        OutputError: The file cannot be written.
    """
    _save(decoder, FORMAT, torch.float32, path, notes)


def save_encoder(encoder: Encoder, path: Path, notes: dict[str, str] | None = None) -> None:
    """Write ``encoder`` to ``path`` like :func:`save_decoder`, but as float16.

    Receivers do not need the encoder, so its last bits do not matter.
    """
    _save(encoder, ENCODER_FORMAT, torch.float16, path, notes)


def load_decoder(path: Path) -> Decoder:
    """Return the message decoder that :func:`save_decoder` wrote, unfolded and frozen.

    It is in evaluation mode.

    Raises:
        WeightsError: The file is missing, is no safetensors file, holds no message decoder, or its
            tensors do not fit the architecture that it names.
    """
    return _load(path, FORMAT, "message decoder", ARCHITECTURES)


def load_encoder(path: Path) -> Encoder:
    """Return the message encoder that :func:`save_encoder` wrote; see :func:`load_decoder`."""
    return _load(path, ENCODER_FORMAT, "message encoder", ENCODERS)


def _save(
    network: Decoder | Encoder,
    form: str,
    dtype: torch.dtype,
    path: Path,
    notes: dict[str, str] | None,
) -> None:
    metadata = {
        **(notes or {}),
        "format": form,
        "architecture": network.name,
        "hidden": str(network.hidden),
        "data_depth": str(network.data_depth),
    }
    tensors = {
        name: tensor.to(dtype)
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    write_safetensors(tensors, metadata, path)


def _load(
    path: Path, form: str, kind: str, architectures: Mapping[str, Callable[[int, int], _Network]]
) -> _Network:
    tensors, metadata = read_safetensors(path)
    if metadata.get("format") != form:
        raise unfit_weights(f"{path} does not hold a latentink {kind}")
    architecture = metadata.get("architecture", "")
    if architecture not in architectures:
        raise unfit_weights(f"{path} names the unknown architecture {architecture!r}")
    hidden = metadata_number(path, metadata, "hidden", MAX_HIDDEN)
    data_depth = metadata_number(path, metadata, "data_depth", MAX_DATA_DEPTH)
    network = architectures[architecture](data_depth, hidden)
    fill(network, {name: tensor.float() for name, tensor in tensors.items()}, str(path))
    return network
