"""Published checkpoints brought into latentink's form: tensors renamed and rearranged, no more.

Read are the state dicts of

- CompressAI's ``bmshj2018-hyperprior`` (``ScaleHyperprior``, both sizes), under its old and new
  names of the entropy bottleneck's parameters;
- ELIC, as CompressAI names it (``elic2022-official`` and ``elic2022-chandelier``) and as Vincent
  Chandelier's own repository does (``cc_transforms``, ``ParamAggregation``).

Sizes follow from the tensors. Chandelier's variant differs from the paper's in three places, each
of which the paper's form can express: a channel context that sees the first and the last group only
(zero weights for the others), means before scales (reordered), and a convolution where the paper
has a transposed one (kernel turned round).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from compressai.entropy_models import EntropyBottleneck
from torch import Tensor

from latentink.codecs.models import elic_groups
from latentink.codecs.weights_file import pack_weights
from latentink.errors import WeightsError
from latentink.tensor_files import fill

_BOTTLENECK = re.compile(r"^_?(matri|bias|factor)(?:x|ces|es|s)?\.?(\d)$")
_NOT_LEARNED = re.compile(
    r"(_offset|_quantized_cdf|_cdf_length|scale_table|target|bound|pedestal|mask)$"
)
_PREFIXES = (
    (re.compile(r"^module\."), ""),
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
)
_FOLLOWED_BY_NUMBER = re.compile(r"^cc_transforms\.(\d)\.")


def import_checkpoint(
    state: Mapping[str, Tensor], architecture: str, quality: float, origin: str
) -> dict[str, Tensor]:
    """Return the tensors of a weights file (weights_file.py) made of a published checkpoint.

    Args:
        state: the state dict.
        architecture: ``"hyperprior"`` or ``"elic"``: what it is expected to be.
        quality: the one quality that the checkpoint was trained for, for λ1 and for ``--quality``.
        origin: what errors call the checkpoint.

    Raises:
        WeightsError: it is of another architecture or inconsistent; the sentence names the first
            mismatch.
    """
    learned = {_renamed(k): v.float() for k, v in state.items() if not _NOT_LEARNED.search(k)}
    networks = _by_network(learned)
    expected = NETWORKS[architecture]
    for name in expected:
        if not any(network.split(".")[0] == name for network in networks):
            raise WeightsError(
                f"{origin} is not a checkpoint of {architecture}: it has no tensors {name!r}."
            )
    for network in networks:
        if network.split(".")[0] not in expected:
            first = next(iter(networks[network]))
            raise WeightsError(
                f"{origin} is not a checkpoint of {architecture}: "
                f"it has the surplus tensor {network + '.' + first!r}."
            )
    bottleneck = _bottleneck(networks.pop("entropy_bottleneck"), origin)
    if architecture == "elic":
        latent_channels = _output_channels(networks["g_a"], origin)
        networks |= _like_the_paper(networks, latent_channels, origin)
    channels = _input_channels(networks["g_s"], architecture, origin)
    neutral = torch.zeros(1, channels)
    return pack_weights(networks, bottleneck, neutral, neutral.clone(), [quality], torch.float32)


NETWORKS = {
    "hyperprior": ("g_a", "g_s", "h_a", "h_s", "entropy_bottleneck"),
    "elic": (
        *("g_a", "g_s", "h_a", "h_s", "entropy_bottleneck"),
        *("channel_context", "spatial_context", "aggregation"),
    ),
}
"""The networks of each architecture, as a weights file names them, and the entropy bottleneck."""


def _renamed(key: str) -> str:
    for pattern, replacement in _PREFIXES:
        key = pattern.sub(replacement, key)
    return _FOLLOWED_BY_NUMBER.sub(lambda m: f"channel_context.{int(m[1]) + 1}.", key)


def _by_network(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the tensors sorted by network; those of the context model have a number as well."""
    networks: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        parts = key.split(".")
        length = 2 if parts[0] in ("channel_context", "spatial_context", "aggregation") else 1
        networks.setdefault(".".join(parts[:length]), {})[".".join(parts[length:])] = value
    return networks


def _bottleneck(tensors: Mapping[str, Tensor], origin: str) -> EntropyBottleneck:
    if "quantiles" not in tensors:
        raise WeightsError(f"{origin} misses tensor 'entropy_bottleneck.quantiles'.")
    bottleneck = EntropyBottleneck(len(tensors["quantiles"]))
    by_number = {_numbered(key): value for key, value in tensors.items()}
    own = {_numbered(name): name for name, _ in bottleneck.named_parameters()}
    named = {own.get(key, key): value for key, value in by_number.items()}
    fill(bottleneck, named, f"{origin}, entropy_bottleneck")
    return bottleneck


def _numbered(key: str) -> str:
    """Return a name of a bottleneck's parameter that all of CompressAI's versions share."""
    match = _BOTTLENECK.match(key)
    return f"{match[1]} {match[2]}" if match else key


def _output_channels(g_a: Mapping[str, Tensor], origin: str) -> int:
    """Return M: ELIC's g_a ends with an attention block on M channels."""
    if "14.conv_b.3.weight" not in g_a:
        raise WeightsError(f"{origin} misses tensor 'g_a.14.conv_b.3.weight'.")
    return len(g_a["14.conv_b.3.weight"])


def _input_channels(g_s: Mapping[str, Tensor], architecture: str, origin: str) -> int:
    name = "0.weight" if architecture == "hyperprior" else "1.weight"
    if name not in g_s:
        raise WeightsError(f"{origin} misses tensor 'g_s.{name}'.")
    return g_s[name].shape[0]


def _like_the_paper(
    networks: Mapping[str, Mapping[str, Tensor]], latent_channels: int, origin: str
) -> dict[str, dict[str, Tensor]]:
    """Return the networks of Chandelier's variant in the paper's form; none where they are."""
    for name in ("4.weight", "4.bias"):
        if name not in networks["h_s"]:
            raise WeightsError(f"{origin} misses tensor 'h_s.{name}'.")
    weight, bias = networks["h_s"]["4.weight"], networks["h_s"]["4.bias"]
    if weight.shape[0] != len(bias):
        return {}
    groups = elic_groups(latent_channels)
    changed: dict[str, dict[str, Tensor]] = {"h_s": dict(networks["h_s"])}
    # A transposed convolution of stride 1 is a convolution with the kernel turned round.
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
