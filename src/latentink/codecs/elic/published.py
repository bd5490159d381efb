"""Brings published checkpoints of ELIC into the form that the codec expects.

These are CompressAI's ``elic2022-official`` and ``elic2022-chandelier``, and those of Vincent
Chandelier's own repository, which calls the networks ``cc_transforms`` and ``ParamAggregation``.
The codec has the paper's form. Chandelier's variant differs from it in three places and is
converted exactly:

- its channel context sees only the first and the last of the earlier groups: the others get zero
  weights;
- its aggregation returns means before scales: they are swapped;
- its h_s ends with a convolution, the paper's with a transposed one: the kernel is turned by 180°.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from latentink.codecs.elic.groups import elic_groups
from latentink.codecs.implementation import Networks, Published
from latentink.errors import unfit_weights

_NUMBERED = ("channel_context", "spatial_context", "aggregation")
_RENAMES = (
    (re.compile(r"^latent_codec\.(?:hyper\.)?(h_a|h_s)\."), r"\1."),
    (re.compile(r"^latent_codec\.(?:hyper|z)\.entropy_bottleneck\."), "entropy_bottleneck."),
    (re.compile(r"^latent_codec\.y\.channel_context\.y(\d)\."), r"channel_context.\1."),
    (
        re.compile(r"^latent_codec\.y\.latent_codec\.y(\d)\.context_prediction\."),
        r"spatial_context.\1.0.",
    ),
    (
        re.compile(r"^latent_codec\.y\.latent_codec\.y(\d)\.entropy_parameters\."),
        r"aggregation.\1.",
    ),
    (re.compile(r"^context_prediction\.(\d)\."), r"spatial_context.\1.0."),
    (re.compile(r"^ParamAggregation\.(\d)\."), r"aggregation.\1."),
    # Chandelier's first channel context is that of the second group.
    (
        re.compile(r"^cc_transforms\.(\d)\."),
        lambda match: f"channel_context.{int(match[1]) + 1}.",
    ),
)


def convert(networks: Networks, origin: str) -> tuple[Networks, int]:
    """Return the networks in the paper's form, and M; a ``Published.convert``.

    Raises:
        WeightsError: A tensor is missing.
    """
    latent_channels = _output_channels(networks["g_a"], origin)
    networks = {**networks, **_like_the_paper(networks, latent_channels, origin)}
    if "1.weight" not in networks["g_s"]:
        raise unfit_weights(f"{origin} misses tensor 'g_s.1.weight'")
    return networks, networks["g_s"]["1.weight"].shape[0]


def _output_channels(g_a: Mapping[str, Tensor], origin: str) -> int:
    """Return M, the channels of the attention block at the end of g_a."""
    if "14.conv_b.3.weight" not in g_a:
        raise unfit_weights(f"{origin} misses tensor 'g_a.14.conv_b.3.weight'")
    return len(g_a["14.conv_b.3.weight"])


def _like_the_paper(
    networks: Mapping[str, Mapping[str, Tensor]], latent_channels: int, origin: str
) -> dict[str, dict[str, Tensor]]:
    """Return the networks that Chandelier's variant has in another form, converted.

    Nothing, if the networks are of the paper's variant.
    """
    for name in ("4.weight", "4.bias"):
        if name not in networks["h_s"]:
            raise unfit_weights(f"{origin} misses tensor 'h_s.{name}'")
    weight, bias = networks["h_s"]["4.weight"], networks["h_s"]["4.bias"]
    if weight.shape[0] != len(bias):
        return {}
    groups = elic_groups(latent_channels)
    changed: dict[str, dict[str, Tensor]] = {"h_s": dict(networks["h_s"])}
    # A convolution is a transposed one of stride 1 with the kernel turned by 180°.
    changed["h_s"]["4.weight"] = weight.transpose(0, 1).flip(2, 3)
    for k, group in enumerate(groups):
        aggregation = dict(networks.get(f"aggregation.{k}", {}))
        for name in ("4.weight", "4.bias"):
            if name in aggregation:
                means, scales = aggregation[name].split(group)
                aggregation[name] = torch.cat([scales, means])
        changed[f"aggregation.{k}"] = aggregation
        if k > 1:
            context = dict(networks.get(f"channel_context.{k}", {}))
            seen = context.get("0.weight")
            if seen is not None:
                wide = seen.new_zeros(len(seen), sum(groups[:k]), *seen.shape[2:])
                wide[:, : groups[0]] = seen[:, : groups[0]]
                wide[:, sum(groups[: k - 1]) :] = seen[:, groups[0] :]
                context["0.weight"] = wide
            changed[f"channel_context.{k}"] = context
    return changed


PUBLISHED = Published(
    networks=("g_a", "g_s", "h_a", "h_s", "entropy_bottleneck", *_NUMBERED),
    convert=convert,
    numbered=_NUMBERED,
    renames=_RENAMES,
)
