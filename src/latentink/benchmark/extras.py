"""The packages of ``latentink[bench]`` and ``latentink[ray]``, loaded where they are needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

from torch import Tensor

from latentink.errors import OptionError


def import_pandas() -> ModuleType:
    """Return pandas.

    Raises:
        OptionError: it is missing.
    """
    return _import("pandas", "Reports", "bench")


def import_pyplot() -> ModuleType:
    """Return matplotlib's pyplot, set to draw into memory.

    Raises:
        OptionError: matplotlib is missing.
    """
    _import("matplotlib", "Figures", "bench").use("Agg")
    return importlib.import_module("matplotlib.pyplot")


def import_ms_ssim() -> Callable[..., Tensor]:
    """Return the function that measures multi-scale structural similarity.

    Raises:
        OptionError: its package is missing.
    """
    similarity: Callable[..., Tensor] = _import("pytorch_msssim", "Measurements", "bench").ms_ssim
    return similarity


def import_ray() -> ModuleType:
    """Return Ray with its exceptions.

    Raises:
        OptionError: it is missing.
    """
    ray = _import("ray", "Clusters", "ray")
    importlib.import_module("ray.exceptions")
    return ray


def _import(package: str, purpose: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise OptionError(
            f"{purpose} need the package {package}: pip install 'latentink[{extra}]'."
        ) from None
