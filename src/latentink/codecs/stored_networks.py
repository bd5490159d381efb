"""Takes networks of the entropy model out of a weights file, checked, for exact arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from latentink.codecs.fixed_point import Convolution
from latentink.errors import unfit_weights


def network_arrays(
    tensors: Mapping[str, np.ndarray], name: str, layers: Sequence[str], origin: str
) -> dict[str, np.ndarray]:
    """Return the weights and biases of a network, without the network's name in front.

    Args:
        tensors: Those of a weights file.
        name: The network's.
        layers: The names of its layers that have weights and biases.
        origin: What errors call the network.

    Raises:
        WeightsError: A tensor is missing, surplus, or not finite.

    Example:
        >>> tensors = {"h_s.0.weight": np.ones((1, 1, 1, 1)), "h_s.0.bias": np.zeros(1)}
        >>> sorted(network_arrays(tensors, "h_s", ["0"], "the example"))
        ['0.bias', '0.weight']
    """
    start = name + "."
    own = {key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)}
    wanted = {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}
    if wrong := sorted(wanted ^ own.keys()):
        state = "misses" if wrong[0] in wanted else "has the surplus"
        raise unfit_weights(f"{origin} {state} tensor {wrong[0]!r}")
    for key, value in own.items():
        if not np.isfinite(value).all():
            raise unfit_weights(f"{origin}: tensor {key!r} holds values that are not finite")
    return own


def convolution(
    arrays: Mapping[str, np.ndarray],
    layer: str,
    shape: tuple[int, int, int],
    origin: str,
    rectified: bool,
) -> Convolution:
    """Return a convolution; ``shape`` is (C', C, k), ``arrays`` are of :func:`network_arrays`.

    Raises:
        WeightsError: A tensor has another shape.
    """
    weight, bias = _shaped(arrays, layer, (*shape, shape[2]), shape[0], origin)
    return Convolution(weight, bias, rectified=rectified)


def transposed(
    arrays: Mapping[str, np.ndarray],
    layer: str,
    shape: tuple[int, int, int],
    origin: str,
    stride: int,
    rectified: bool,
) -> Convolution:
    """Return a transposed convolution; ``shape`` is (C, C', k), see :func:`convolution`."""
    weight, bias = _shaped(arrays, layer, (*shape, shape[2]), shape[1], origin)
    return Convolution(weight, bias, transposed=True, stride=stride, rectified=rectified)


def chain(
    tensors: Mapping[str, np.ndarray], name: str, entry: int, exit_: int, origin: str
) -> list[Convolution]:
    """Return the convolutions of a network, with ReLUs between; kernels and widths as stored.

    Args:
        tensors: Those of a weights file.
        name: The network's; its layers are "0", "2", and so on.
        entry: Channels that it has to take.
        exit_: Channels that it has to return.
        origin: What errors call the network.

    Raises:
        WeightsError: A tensor is missing, surplus or of another shape, or not finite.
    """
    count = sum(key.startswith(f"{name}.") for key in tensors)
    layers = [str(2 * number) for number in range(max(1, -(-count // 2)))]
    arrays = network_arrays(tensors, name, layers, origin)
    made, width = [], entry
    for layer in layers:
        weight = arrays[f"{layer}.weight"]
        if weight.ndim != 4 or weight.shape[-1] % 2 == 0:
            raise unfit_weights(f"{origin}: tensor '{layer}.weight' has the shape {weight.shape}")
        shape = weight.shape[0], width, weight.shape[-1]
        made.append(convolution(arrays, layer, shape, origin, rectified=layer != layers[-1]))
        width = weight.shape[0]
    if width != exit_:
        raise unfit_weights(f"{origin} returns {width} channels instead of {exit_}")
    return made


def _shaped(
    arrays: Mapping[str, np.ndarray],
    layer: str,
    weight: tuple[int, ...],
    bias: int,
    origin: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of a layer, of these shapes."""
    for part, shape in (("weight", weight), ("bias", (bias,))):
        found = arrays[f"{layer}.{part}"].shape
        if found != shape:
            raise unfit_weights(
                f"{origin}: tensor '{layer}.{part}' has the shape {found} instead of {shape}"
            )
    return arrays[f"{layer}.weight"], arrays[f"{layer}.bias"]
