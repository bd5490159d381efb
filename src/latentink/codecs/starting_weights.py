"""Weights that training a codec starts from, of the same sizes as the model or smaller."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from latentink.codecs.gains import extend_rows
from latentink.codecs.model import CodecModel
from latentink.codecs.weights_packing import network_tensors
from latentink.errors import WeightsError, unfit_weights
from latentink.tensor_files import read_checkpoint, read_safetensors


def load_start(model: CodecModel, path: Path) -> None:
    """Load weights to start from.

    These are a checkpoint of ``latentink train codec`` (``.pt``), a weights file, or its
    tensors with ``gains`` (Q, M), gain vectors that the synthesis undoes exactly. A tensor smaller
    than the model's fills its leading part, so that a model can be widened and computes what it
    did.

    Raises:
        WeightsError: the file is missing, unreadable, or its transforms do not fit.
    """
    if path.suffix == ".pt":
        _load_checkpoint(model, path)
        return
    tensors, _ = read_safetensors(path)
    gains = model.gains
    if "gains" in tensors:
        tensors["log_gain"] = tensors.pop("gains").float().log()
    for name, network in {**model.networks(), "bottleneck": model.bottleneck()}.items():
        own = network_tensors(tensors, name)
        if own:
            own = model.widened(name, own)
        transposed = {
            f"{at}.weight" for at, m in network.named_modules() if isinstance(m, nn.ConvTranspose2d)
        }
        for key, parameter in network.named_parameters():
            fits = _fill_leading(parameter, own.get(key), inputs=0 if key in transposed else 1)
            if not fits and name in ("g_a", "g_s"):
                key = f"{name}.{key}"
                raise WeightsError(
                    f"The weights {path} do not fit the recipe: tensor {key!r}; "
                    "name another file, or change the recipe."
                )
    _fill_leading(gains.log_gain, tensors.get("log_gain"))
    if "log_inverse" in tensors:
        _fill_leading(gains.log_correction, tensors["log_inverse"] + tensors["log_gain"])


def _load_checkpoint(model: CodecModel, path: Path) -> None:
    """Load the model in a checkpoint of the same sizes, its gains extended to other qualities."""
    state = read_checkpoint(path)
    if not {"recipe", "model"} <= state.keys():
        raise unfit_weights(f"{path} is not a checkpoint of a codec's training")
    tensors = dict(state["model"])
    for name in ("gains.log_gain", "gains.log_correction"):
        qualities = state["recipe"]["qualities"]
        tensors[name] = extend_rows(tensors[name], qualities, model.gains.qualities)
    for name, value in model.state_dict().items():
        if name not in tensors or tensors[name].shape != value.shape:
            raise WeightsError(
                f"{path} does not fit the recipe: tensor {name!r}; "
                "take its recipe's sizes, or name another file."
            )
    model.load_state_dict(tensors)


def _fill_leading(parameter: nn.Parameter, tensor: Tensor | None, inputs: int = 1) -> bool:
    """Put ``tensor`` into the leading part of ``parameter``; return whether it fits there.

    Zeros on from there along the dimension of ``inputs``: what the narrow model computed, the wide
    one computes, until its new channels learn.
    """
    if tensor is None or tensor.ndim != parameter.ndim:
        return False
    if any(a > b for a, b in zip(tensor.shape, parameter.shape, strict=True)):
        return False
    if tensor.ndim == 4:
        own_outputs = parameter.data.narrow(1 - inputs, 0, tensor.shape[1 - inputs])
        own_outputs.zero_()
    parameter.data[tuple(slice(length) for length in tensor.shape)] = tensor.to(parameter.dtype)
    return True
