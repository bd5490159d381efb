"""The weights file of a codec: networks, gains, and the integer tables of the entropy coder.

Sender and receiver must have the same file (safetensors). It has these tensors:

=====================  =========================================================================
``NETWORK.*``          ``g_a``, ``g_s``, ``h_a``, ``h_s``, and for ELIC ``channel_context.K``,
                       ``spatial_context.K`` and ``aggregation.K``; fp16 (imported ones fp32)
``log_gain``           (Q, M), ln g at each of ``qualities``
``log_inverse``        (Q, M), ln g'
``qualities``          (Q,) ascending
``medians``            (N,), of the hyper-latent, on the fixed-point grid
``scale_levels``       the standard deviations of the rows of the Gaussian table
``gaussian_*``         that table (entropy_tables.py)
``hyper_*``            the hyper-latent's table
``bottleneck.*``       what that table was computed from, to continue training; not read otherwise
=====================  =========================================================================

Its metadata are ``format``, ``architecture``, which is the codec's name, and notes on where the
weights come from.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latentink.codecs.entropy_tables import (
    EntropyTable,
    gaussian_table,
    pack_table,
    quantised_cdf,
    scale_levels,
)
from latentink.codecs.fixed_point import ACTIVATION_UNIT, to_grid
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.registry import CODECS
from latentink.codecs.weights_checks import problem_with
from latentink.errors import unfit_weights
from latentink.tensor_files import read_safetensors

FORMAT = "latentink codec 2"


def network_tensors(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors of a network in float32, without the network's name in front.

    Example:
        >>> network_tensors({"h_a.0.bias": torch.ones(1), "h_s.0.bias": torch.zeros(1)}, "h_a")
        {'0.bias': tensor([1.])}
    """
    start = name + "."
    return {k[len(start) :]: v.float() for k, v in tensors.items() if k.startswith(start)}


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
        **pack_table("gaussian", gaussian_table(levels)),
        **pack_table("hyper", hyper_table),
    }


@torch.no_grad()
def _hyper_table(trained: FactorisedPrior) -> tuple[Tensor, EntropyTable]:
    """Return the medians (N,) on the fixed-point grid, and the hyper-latent's table."""
    bottleneck = copy.deepcopy(trained).float().cpu()
    # The networks were trained with these medians, also where others would fit the data better.
    medians = to_grid(bottleneck.quantiles[:, 0, 1], ACTIVATION_UNIT)
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


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors and metadata of a codec's weights file.

    The tensors that all codecs have are checked here, the networks where they are built.

    Raises:
        WeightsError: The file is missing, truncated or not a codec's, or sizes do not go together;
            the sentence names the first mismatch.
    """
    tensors, metadata = read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise unfit_weights(f"{path} holds something else than a codec of latentink")
    if metadata.get("architecture") not in CODECS:
        raise unfit_weights(
            f"{path} holds weights of an unknown codec, {metadata.get('architecture', '')!r}"
        )
    if problem := problem_with(tensors):
        raise unfit_weights(f"The weights file {path} {problem}")
    return tensors, metadata
