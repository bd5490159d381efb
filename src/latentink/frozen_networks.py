"""How a frozen network runs fast while gradients flow through it to its input."""

from __future__ import annotations

import copy
import platform
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn


def has_fast_bfloat16() -> bool:
    """Return whether this CPU computes convolutions in bfloat16 faster than in float32.

    oneDNN also takes bfloat16 on x86 processors that have no instruction for it, and is twice as
    slow as in float32 there.
    """
    places: list[tuple[object, str]] = [(torch.ops.mkldnn, "_is_mkldnn_bf16_supported")]
    if platform.machine().lower() in ("x86_64", "amd64"):
        places += [(torch.cpu, "_is_avx512_bf16_supported")]
    asked = [getattr(place, name, None) for place, name in places]
    return all(ask is not None and ask() for ask in asked)


def frozen_copy(network: nn.Module) -> nn.Module:
    """Return a copy of ``network`` in channels_last layout, without gradients for its weights."""
    frozen = copy.deepcopy(network).to(memory_format=torch.channels_last)
    return frozen.eval().requires_grad_(False)


def fast_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which convolutions run in bfloat16 where the device is fast at it."""
    fast = {"cpu": has_fast_bfloat16, "cuda": torch.cuda.is_bf16_supported}
    if device.type not in fast or not fast[device.type]():
        return full_precision(device)
    return torch.autocast(device.type, torch.bfloat16)


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which nothing is rounded to fewer bits, whatever is around it."""
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
