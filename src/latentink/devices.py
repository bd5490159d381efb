"""Where networks compute: on the CPU, or on a GPU where there is one.

Symbols, seals, tables and what drives the entropy coder are exact and stay on the CPU, whatever the
device: a file must not depend on it. So does the receiver's path, through which the sender checks
what it made.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

from latentink.errors import OptionError

DEVICES = ("auto", "cpu", "cuda", "mps")
"""What ``--device`` takes."""

Network = TypeVar("Network", bound=nn.Module)


def device_named(name: str) -> torch.device:
    """Return the device that a user names.

    Args:
        name: one of :data:`DEVICES`; ``"auto"`` is CUDA where there is a GPU, else MPS (Apple's
            GPU), else the CPU.

    Raises:
        OptionError: no such name, or no such device here.

    Example:
        >>> device_named("cpu")
        device(type='cpu')
    """
    if name not in DEVICES:
        raise OptionError(f"There is no device {name!r}; choose {', '.join(DEVICES)}.")
    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, there in here.items() if there))
    if not here[name]:
        raise OptionError(f"There is no device {name} on this machine; choose auto or cpu.")
    return torch.device(name)


def on_device(network: Network, device: torch.device) -> Network:
    """Return the network itself if it is on the device, else a copy there."""
    tensors = [*network.parameters(), *network.buffers()]
    if all(tensor.device.type == device.type for tensor in tensors):
        return network
    return copy.deepcopy(network).to(device)
