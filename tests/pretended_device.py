"""A device to test with where there is no GPU: it computes on the CPU, but mixes with nothing.

Tensors that are moved to the device ``meta`` in the block of :func:`pretended_device` keep their
values, so that whole optimisations run on it, backward passes included. An operation that gets
tensors of both devices is an error, as on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

# PyTorch's own: the one without memory whose backward passes need no driver.
DEVICE = torch.device("meta")


class MixedDevicesError(Exception):
    """An operation got tensors of two devices."""


class _There(Tensor):
    """A tensor that says that it is on the device; ``here`` has its values."""

    here: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, here: Tensor) -> _There:
        return Tensor._make_wrapper_subclass(
            cls, here.shape, here.stride(), here.storage_offset(), dtype=here.dtype, device=DEVICE
        )

    def __init__(self, here: Tensor) -> None:
        self.here = here

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


def _run(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    there = [one for one in tensors if isinstance(one, _There)]
    # A scalar may be anywhere, and a copy may cross over.
    here = [one for one in tensors if not isinstance(one, _There) and one.dim()]
    if there and here and func is not torch.ops.aten.copy_.default:
        raise MixedDevicesError(f"{func} of {[tuple(one.shape) for one in tensors]}")
    stays = bool(there)
    own_args, own_kwargs = tree_map(_values, args), tree_map(_values, kwargs)
    if own_kwargs.get("device") is not None:
        stays = torch.device(own_kwargs["device"]) == DEVICE
        own_kwargs["device"] = torch.device("cpu")
    result = func(*own_args, **own_kwargs)
    if stays:
        result = tree_map(lambda one: _There(one) if isinstance(one, Tensor) else one, result)
    return return_and_correct_aliasing(func, args, kwargs, result) if there else result


def _values(one: Any) -> Any:
    return one.here if isinstance(one, _There) else one


class _Moving(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _Filling(TorchFunctionMode):
    """PyTorch fills new tensors with Python's numbers before any operation is dispatched."""

    def __torch_function__(self, func: Callable[..., Any], types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        device = kwargs.get("device")
        if func is Tensor.new_tensor and device is None:
            func, device = torch.tensor, args[0].device
            kwargs.setdefault("dtype", args[0].dtype)
            args = args[1:]
        if func is torch.tensor and device is not None and torch.device(device) == DEVICE:
            return torch.tensor(*args, **{**kwargs, "device": "cpu"}).to(DEVICE)
        return func(*args, **kwargs)


@contextmanager
def pretended_device() -> Iterator[torch.device]:
    """Pretend in the block that there is the device that is yielded."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        with _Moving(), _Filling():
            yield DEVICE
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
