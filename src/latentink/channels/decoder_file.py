"""The safetensors files that hold trained message decoders."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from latentink.channels.basic import BasicDecoder
from latentink.channels.dense import DenseDecoder
from latentink.errors import OutputError, WeightsError

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
        name: tensor.detach().cpu().float().contiguous()
        for name, tensor in decoder.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(save(tensors, metadata))
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from error


def load_decoder(path: Path) -> DenseDecoder | BasicDecoder:
    """Read a decoder that :func:`save_decoder` wrote; unfolded, frozen, in evaluation mode.

    Raises:
        WeightsError: The file is missing, is not safetensors, is not a message decoder, or its
            tensors do not fit the architecture that it names.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            decoder = _empty_decoder(path, metadata)
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise WeightsError(f"The weights file {path} does not exist.") from error
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}.") from error
    fill(decoder, tensors, str(path))
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


def fill(module: nn.Module, tensors: dict[str, torch.Tensor], origin: str) -> None:
    """Put ``tensors`` into ``module``, then freeze it in evaluation mode.

    Args:
        module: Any network of this package; batch norm counters need not be among the tensors.
        tensors: Exactly the module's parameters and running statistics, by name.
        origin: What the error calls the source of the tensors.

    Raises:
        WeightsError: A tensor is missing, surplus, of another shape, or not finite.
    """
    wanted = {k: v for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}
    if wrong := sorted(wanted.keys() ^ tensors.keys()):
        state = "misses" if wrong[0] in wanted else "has the surplus"
        raise WeightsError(f"{origin} {state} tensor {wrong[0]!r}.")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            shapes = f"{tuple(tensor.shape)} instead of {tuple(wanted[name].shape)}"
            raise WeightsError(f"{origin}: tensor {name!r} has the shape {shapes}.")
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{origin}: tensor {name!r} holds values that are not finite.")
    module.load_state_dict(tensors, strict=False)
    module.requires_grad_(False).eval()
