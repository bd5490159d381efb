"""Reads and writes weights files, and puts their tensors into networks.

Nothing in a file is ever executed.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from latentink.errors import OutputError, WeightsError, unfit_weights
from latentink.input_files import check_regular


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file.

    Raises:
        WeightsError: The file is missing, truncated, or not safetensors.
    """
    check_regular(path, WeightsError)
    try:
        with safe_open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise unfit_weights(f"{path} cannot be read as safetensors: {error}") from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the dictionary in a PyTorch checkpoint: tensors, numbers, text and lists of these.

    Raises:
        WeightsError: The file is missing or truncated, or has objects of other kinds.
    """
    check_regular(path, WeightsError)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # PyTorch's own advice is to execute what the file holds.
        raise unfit_weights(
            f"The checkpoint {path} holds more than tensors, or is damaged, and was not loaded"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise unfit_weights(
            f"The checkpoint {path} is truncated or damaged ({str(error).splitlines()[0]})"
        ) from None
    if not isinstance(state, dict) or not state:
        raise unfit_weights(f"The checkpoint {path} is not a dictionary of tensors")
    return state


def metadata_number(path: Path, metadata: dict[str, str], field: str, largest: int) -> int:
    """Return a whole number from 1 to ``largest`` from the metadata of a weights file.

    Args:
        path: What errors call the file.
        metadata: Of the file.
        field: The number's key in it.
        largest: The largest number that is accepted.

    Raises:
        WeightsError: The field is missing or has anything else.

    Example:
        >>> metadata_number(Path("a.safetensors"), {"width": "16"}, "width", 256)
        16
    """
    text = metadata.get(field, "")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= largest):
        raise unfit_weights(f"{path} says {field} = {text!r}, not 1 to {largest}")
    return int(text)


def state_dict_of(state: dict[str, Any], origin: str) -> dict[str, Tensor]:
    """Return the state dict in a checkpoint.

    It is the value of the key ``state_dict``, or without that key the checkpoint itself.

    Args:
        state: The checkpoint, as from :func:`read_checkpoint`.
        origin: What errors call it.

    Raises:
        WeightsError: An entry is not a tensor; the sentence names it.
    """
    if isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise unfit_weights(f"The checkpoint {origin} has an entry {name!r} that is no tensor")
    return state


def write_safetensors(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path
) -> None:
    """Write a safetensors file; an older file is replaced in one step.

    Args:
        tensors: By name, on any device.
        metadata: Text by name.
        path: The file, in a folder that exists.

    Raises:
        OutputError: The file cannot be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(save(contiguous, dict(metadata)))
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}; name another file or folder."
        ) from error


def fill(module: nn.Module, tensors: Mapping[str, Tensor], origin: str) -> None:
    """Put tensors into a network, freeze it and set it to evaluation mode.

    Args:
        module: The network. Its buffers stay as they are, except running statistics. Built on the
            meta device, which saves drawing weights at random, it takes the tensors themselves.
        tensors: The network's parameters and the running statistics of its batch norms, by name,
            all of them and no others.
        origin: What errors call the source of the tensors.

    Raises:
        WeightsError: A tensor is missing, surplus, of another shape, or not finite.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> fill(layer, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, "the example")
        >>> layer(torch.tensor([3.0, 4.0]))
        tensor([7.])
        >>> fill(layer, {"weight": torch.ones(1, 2)}, "the example")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        latentink.errors.WeightsError: the example misses tensor 'bias'; get ...
    """
    statistics = {k: v for k, v in module.named_buffers() if "running_" in k}
    wanted = dict(module.named_parameters()) | statistics
    if wrong := sorted(wanted.keys() ^ tensors.keys()):
        state = "misses" if wrong[0] in wanted else "has the surplus"
        raise unfit_weights(f"{origin} {state} tensor {wrong[0]!r}")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            shapes = f"{tuple(tensor.shape)} instead of {tuple(wanted[name].shape)}"
            raise unfit_weights(f"{origin}: tensor {name!r} has the shape {shapes}")
        # Extremes are NaN where any value is, and need no further memory.
        if tensor.numel() and not all(torch.isfinite(end) for end in tensor.aminmax()):
            raise unfit_weights(f"{origin}: tensor {name!r} holds values that are not finite")
    drawn = not any(parameter.is_meta for parameter in module.parameters())
    module.load_state_dict(dict(tensors), strict=False, assign=not drawn)
    module.requires_grad_(False).eval()
