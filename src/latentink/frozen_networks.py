"""How a frozen network runs fast on a CPU while gradients flow through it to its input."""

from __future__ import annotations

import copy

import torch
from torch import nn


def has_fast_bfloat16() -> bool:
    """Return whether this CPU computes convolutions in bfloat16 faster than in float32."""
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return bool(supported and supported())


def frozen_copy(network: nn.Module) -> nn.Module:
    """Return a copy of ``network`` in channels_last layout, without gradients for its weights."""
    frozen = copy.deepcopy(network).to(memory_format=torch.channels_last)
    return frozen.eval().requires_grad_(False)


def fast_autocast() -> torch.autocast:
    """Return a context in which convolutions run in bfloat16 where this CPU is fast at it."""
    return torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bfloat16())
