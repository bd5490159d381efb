"""Brings published checkpoints of the scale hyperprior into the form that the codec expects."""

from __future__ import annotations

from latentink.codecs.hyperprior.networks import NETWORKS
from latentink.codecs.implementation import Networks, Published
from latentink.errors import unfit_weights


def convert_published(networks: Networks, origin: str) -> tuple[Networks, int]:
    """Return the networks as they are, and M; a ``Published.convert``.

    Raises:
        WeightsError: The first layer of g_s is missing.
    """
    if "0.weight" not in networks["g_s"]:
        raise unfit_weights(f"{origin} misses tensor 'g_s.0.weight'")
    return networks, networks["g_s"]["0.weight"].shape[0]


PUBLISHED = Published((*NETWORKS, "entropy_bottleneck"), convert_published)
