"""The safetensors files that hold trained message decoders."""

from __future__ import annotations

from pathlib import Path

from latentink.channels.basic import BasicDecoder
from latentink.channels.dense import DenseDecoder
from latentink.errors import WeightsError
from latentink.tensor_files import fill, read_safetensors, write_safetensors

FORMAT = "latentink message decoder 1"
ARCHITECTURES: dict[str, type[DenseDecoder] | type[BasicDecoder]] = {
    "dense": DenseDecoder,
    "basic": BasicDecoder,
}


MAX_HIDDEN = 512
MAX_DATA_DEPTH = 64


def save_decoder(
    decoder: DenseDecoder | BasicDecoder, path: Path, notes: dict[str, str] | None = None
) -> None:
    """Write ``decoder`` to ``path`` as safetensors, replacing the file in one step.

    Args:
        decoder: An unfolded decoder; its weights are written as float32.
        path: Where to; the folder must exist.
        notes: Further metadata (where the weights come from), carried but never interpreted.

    Raises:
        OutputError: The file cannot be written.
    """
    metadata = {
        **(notes or {}),
        "format": FORMAT,
        "architecture": decoder.name,
        "hidden": str(decoder.hidden),
        "data_depth": str(decoder.data_depth),
    }
    tensors = {
        name: tensor.float()
        for name, tensor in decoder.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    write_safetensors(tensors, metadata, path)


def load_decoder(path: Path) -> DenseDecoder | BasicDecoder:
    """Read a decoder that :func:`save_decoder` wrote; unfolded, frozen, in evaluation mode.

    Raises:
        WeightsError: The file is missing, is not safetensors, is not a message decoder, or its
            tensors do not fit the architecture that it names.
    """
    tensors, metadata = read_safetensors(path)
    decoder = _empty_decoder(path, metadata)
    fill(decoder, {name: tensor.float() for name, tensor in tensors.items()}, str(path))
    return decoder


def _empty_decoder(path: Path, metadata: dict[str, str]) -> DenseDecoder | BasicDecoder:
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"{path} holds something else than a message decoder of latentink.")
    architecture = metadata.get("architecture", "")
    if architecture not in ARCHITECTURES:
        raise WeightsError(f"{path} names the unknown architecture {architecture!r}.")
    hidden = _number(path, metadata, "hidden", MAX_HIDDEN)
    data_depth = _number(path, metadata, "data_depth", MAX_DATA_DEPTH)
    return ARCHITECTURES[architecture](data_depth, hidden)


def _number(path: Path, metadata: dict[str, str], field: str, largest: int) -> int:
    text = metadata.get(field, "")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= largest):
        raise WeightsError(f"{path} says {field} = {text!r}, not 1 to {largest}.")
    return int(text)
