"""Make the weights file that latentink ships out of a trained hyperprior's state dict.

``python -m latentink.codecs.bundle TRAINED.safetensors -o OUT.safetensors --name NAME``

The result holds the networks (fp16), the gains, the medians and, as integers, every probability
table that rANS needs: all that a receiver must agree on is in this one file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from compressai.models.google import ScaleHyperprior
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from latentink.codecs.entropy_tables import (
    EntropyTable,
    gaussian_table,
    pack_table,
    quantised_cdf,
    scale_levels,
)
from latentink.codecs.fixed_point import ACTIVATION_UNIT, to_grid

_NETWORKS = ("g_a.", "g_s.", "h_a.", "h_s.")
_GAIN_UNIT = 2.0**-12


def bundle_hyperprior(trained: Path, name: str, qualities: list[float]) -> dict[str, Tensor]:
    """Return the tensors of the shipped file.

    Args:
        trained: safetensors with the keys of CompressAI's ``ScaleHyperprior`` and ``gains`` (Q, M).
        name: the codec's name, for the metadata.
        qualities: the Q quality numbers of the rows of ``gains``, ascending.
    """
    state = {key: value.float() for key, value in load_file(trained).items()}
    gains = state.pop("gains")
    if len(gains) != len(qualities):
        raise ValueError(f"{trained} has {len(gains)} gain vectors, not {len(qualities)}")
    channels, latent_channels = state["g_s.0.weight"].shape[1], state["g_s.0.weight"].shape[0]
    model = ScaleHyperprior(channels, latent_channels)
    # CompressAI's own loader insists on entropy tables, which trained files leave out.
    nn.Module.load_state_dict(model, state, strict=False)
    medians, hyper_table = _hyper_table(model)
    tensors = {key: value.half() for key, value in state.items() if key.startswith(_NETWORKS)}
    levels = scale_levels()
    tensors |= {
        "gains": to_grid(gains, _GAIN_UNIT),
        "qualities": torch.tensor(qualities, dtype=torch.float64),
        "medians": medians,
        "scale_levels": torch.from_numpy(levels),
        **pack_table("gaussian", gaussian_table(levels)),
        **pack_table("hyper", hyper_table),
    }
    return tensors


@torch.no_grad()
def _hyper_table(model: ScaleHyperprior) -> tuple[Tensor, EntropyTable]:
    """Return the medians on the fixed-point grid and the hyper-latent's table."""
    model.entropy_bottleneck._update_quantiles()
    bottleneck = model.entropy_bottleneck.double()
    medians = to_grid(bottleneck.quantiles[:, 0, 1], ACTIVATION_UNIT)
    lowest = torch.ceil(medians - bottleneck.quantiles[:, 0, 0]).int().clamp(min=0).tolist()
    highest = torch.ceil(bottleneck.quantiles[:, 0, 2] - medians).int().clamp(min=0).tolist()
    reach = max(lowest + highest)
    symbols = torch.arange(-reach, reach + 1, dtype=torch.float64)
    values = medians.view(-1, 1, 1) + symbols
    pmf = bottleneck._likelihood(values)[0][:, 0].numpy()
    rows = []
    for channel, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        inside = pmf[channel, reach - low : reach + high + 1]
        rows.append(quantised_cdf(inside, float(1 - np.sum(inside))))
    return medians, EntropyTable(rows, [-low for low in lowest])


def main() -> None:
    """Bundle a trained file from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trained", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--qualities", type=float, nargs="+", default=[3, 4, 5, 6, 7, 8])
    arguments = parser.parse_args()
    tensors = bundle_hyperprior(arguments.trained, arguments.name, arguments.qualities)
    metadata = {"architecture": "hyperprior", "name": arguments.name}
    save_file(tensors, arguments.out, metadata=metadata)
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
