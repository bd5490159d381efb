"""Weights files made of checkpoints that others have published.

The :class:`~latentink.codecs.implementation.Published` of each codec says what its checkpoints look
like. All checkpoints have CompressAI's entropy bottleneck, whose parameters are read under their
old and new names, and may have ``module.`` in front of each name, from distributed training. The
sizes of the networks follow from the tensors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from latentink.codecs.implementation import Published, implementation_of
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.registry import CODECS
from latentink.codecs.weights_packing import pack_weights
from latentink.errors import unfit_weights
from latentink.tensor_files import fill

_BOTTLENECK = re.compile(r"^_?(matri|bias|factor)(?:x|ces|es|s)?\.?(\d)$")
_NOT_LEARNED = re.compile(
    r"(_offset|_quantized_cdf|_cdf_length|scale_table|target|bound|pedestal|mask)$"
)


def import_checkpoint(
    state: Mapping[str, Tensor], codec: str, quality: float, origin: str
) -> dict[str, Tensor]:
    """Return the tensors of a weights file (weights_file.py) made of a published checkpoint.

    Args:
        state: The state dict.
        codec: Name of the codec that it must be of.
        quality: The quality that it was trained for, 1 to 8; it decides λ1 and is the only one that
            ``--quality`` can then ask for.
        origin: What errors call the checkpoint.

    Raises:
        WeightsError: It is of another codec or incomplete; the sentence names the first mismatch.
    """
    learned = {k: v.float() for k, v in state.items() if not _NOT_LEARNED.search(k)}
    networks = _by_network(learned)
    published = implementation_of(codec).published
    for name in published.networks:
        if not any(network.split(".")[0] == name for network in networks):
            raise unfit_weights(
                f"{origin} is not a checkpoint of {codec}: it has no tensors {name!r}"
            )
    for network in networks:
        if network.split(".")[0] not in published.networks:
            first = next(iter(networks[network]))
            raise unfit_weights(
                f"{origin} is not a checkpoint of {codec}: "
                f"it has the surplus tensor {network + '.' + first!r}"
            )
    bottleneck = _bottleneck(networks.pop("entropy_bottleneck"), origin)
    converted, channels = published.convert(networks, origin)
    neutral = torch.zeros(1, channels)
    return pack_weights(converted, bottleneck, neutral, neutral.clone(), [quality], torch.float32)


def _by_network(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return tensors by network and name, as a weights file calls them.

    The names of all codecs are translated, so that an error can say which network is surplus.
    """
    known = [implementation_of(name).published for name in CODECS]
    networks: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        parts = _renamed(key, known).split(".")
        length = 2 if any(parts[0] in published.numbered for published in known) else 1
        networks.setdefault(".".join(parts[:length]), {})[".".join(parts[length:])] = value
    return networks


def _renamed(key: str, known: list[Published]) -> str:
    key = key.removeprefix("module.")
    for published in known:
        for pattern, replacement in published.renames:
            key = pattern.sub(replacement, key)
    return key


def _bottleneck(tensors: Mapping[str, Tensor], origin: str) -> FactorisedPrior:
    if "quantiles" not in tensors:
        raise unfit_weights(f"{origin} misses tensor 'entropy_bottleneck.quantiles'")
    bottleneck = FactorisedPrior(len(tensors["quantiles"]))
    by_number = {_numbered(key): value for key, value in tensors.items()}
    own = {_numbered(name): name for name, _ in bottleneck.named_parameters()}
    named = {own.get(key, key): value for key, value in by_number.items()}
    fill(bottleneck, named, f"{origin}, entropy_bottleneck")
    return bottleneck


def _numbered(key: str) -> str:
    """Return one name for what CompressAI's versions call matrices.0, _matrix0 and so on."""
    match = _BOTTLENECK.match(key)
    return f"{match[1]} {match[2]}" if match else key
