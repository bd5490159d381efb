"""Keeps what no command uses out of the command line's start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)


def start_light() -> None:
    """Let CompressAI find empty packages where it would load large ones for nothing.

    It imports ``torch_geometric``, ``torchvision`` and ``pandas`` for its datasets alone, and with
    them most of PyTorch's compiler: longer than it takes to decode a picture. Only for a process
    that is ours and that neither trains nor imports; the library ``latentink`` never does this.
    """
    if "compressai" in sys.modules:
        return
    names: dict[str, dict[str, object]] = {
        "torch_geometric": {},
        "torch_geometric.transforms": {"BaseTransform": object, "Center": object},
        "torch_geometric.data": {"Data": object},
        "torch_geometric.data.datapipes": {"functional_transform": _registering_nothing},
        "torchvision": {},
        "torchvision.transforms": {},
        "pandas": {},
    }
    # Whoever asks where the package is gets a true answer.
    specs = {name: find_spec(name) for name in names if "." not in name and name not in sys.modules}
    for name, contents in names.items():
        if name in sys.modules:
            continue
        module = sys.modules[name] = ModuleType(name)
        vars(module).update(contents)
        module.__spec__ = specs[name.partition(".")[0]]
        package, _, last = name.rpartition(".")
        if package:
            setattr(sys.modules[package], last, module)


def _registering_nothing(name: str) -> Callable[[_Class], _Class]:
    def unchanged(transform: _Class) -> _Class:
        return transform

    return unchanged
