"""Makes the tensors of a codec's weights file (weights_file.py) of what was trained."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from latentink.codecs.entropy_tables import EntropyTable, pack_table
from latentink.codecs.fixed_point import ACTIVATION_UNIT, to_grid
from latentink.codecs.gaussian_tables import gaussian_table, quantised_cdf, scale_levels
from latentink.codecs.layers.factorised_prior import FactorisedPrior


def network_tensors(tensors: Mapping[str, Tensor | np.ndarray], name: str) -> dict[str, Tensor]:
    """Return the tensors of a network in float32, without the network's name in front.

    Example:
        >>> network_tensors({"h_a.0.bias": torch.ones(1), "h_s.0.bias": torch.zeros(1)}, "h_a")
        {'0.bias': tensor([1.])}
    """
    start = name + "."
    return {
        key[len(start) :]: torch.as_tensor(value).float()
        for key, value in tensors.items()
        if key.startswith(start)
    }


def pack_weights(
    networks: Mapping[str, Mapping[str, Tensor]],
    bottleneck: FactorisedPrior,
    log_gain: Tensor,
    log_inverse: Tensor,
    qualities: list[float],
    dtype: torch.dtype,
) -> dict[str, Tensor]:
    """Return the tensors of a weights file.

    Args:
        networks: State dicts of the networks, by the networks' names.
        bottleneck: The prior of the hyper-latent, trained.
        log_gain: (Q, M), ln g.
        log_inverse: (Q, M), ln g'.
        qualities: Q ascending numbers.
        dtype: In which the networks are stored.
    """
    medians, hyper_table = _hyper_table(bottleneck)
    levels = scale_levels()
    packed = {
        f"{name}.{key}": value.detach().to(dtype)
        for name, state in networks.items()
        for key, value in state.items()
    }
    packed |= {f"bottleneck.{k}": v.detach().float() for k, v in bottleneck.named_parameters()}
    return packed | {
        "log_gain": log_gain.detach().float(),
        "log_inverse": log_inverse.detach().float(),
        "qualities": torch.tensor(qualities, dtype=torch.float64),
        "medians": medians,
        "scale_levels": torch.from_numpy(levels),
        **_tensors(pack_table("gaussian", gaussian_table(levels))),
        **_tensors(pack_table("hyper", hyper_table)),
    }


def _tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@torch.no_grad()
def _hyper_table(trained: FactorisedPrior) -> tuple[Tensor, EntropyTable]:
    """Return the medians (N,) on the fixed-point grid, and the hyper-latent's table."""
    bottleneck = copy.deepcopy(trained).float().cpu()
    # The networks were trained with these medians, also where others would fit the data better.
    medians = torch.from_numpy(to_grid(bottleneck.quantiles[:, 0, 1].numpy(), ACTIVATION_UNIT))
    quantiles = bottleneck.exact_quantiles()[:, 0]
    bottleneck = bottleneck.double()
    lowest = torch.ceil(medians - quantiles[:, 0]).int().clamp(min=0).tolist()
    highest = torch.ceil(quantiles[:, 2] - medians).int().clamp(min=0).tolist()
    reach = max(lowest + highest)
    symbols = torch.arange(-reach, reach + 1, dtype=torch.float64)
    values = medians.view(-1, 1, 1) + symbols
    pmf = bottleneck.likelihood(values)[:, 0].numpy()
    rows = []
    for channel, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        inside = pmf[channel, reach - low : reach + high + 1]
        rows.append(quantised_cdf(inside, float(1 - np.sum(inside))))
    return medians, EntropyTable(rows, [-low for low in lowest])
