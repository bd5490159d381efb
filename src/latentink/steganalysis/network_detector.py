"""Detectors that are neural networks, by name, and their files.

```
 picture ─► network ─► (cover, stego) logits ─► stego − cover: the score; above 0 is a stego
```

A network looks at what the file shows, never at its bytes. It is trained elsewhere
(training/detector.py), on pairs of a cover and a stego of the same photo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from latentink.errors import OptionError, unfit_weights
from latentink.picture import to_tensor
from latentink.steganalysis.detector import Detector, Evidence
from latentink.steganalysis.siastegnet import SiaStegNet
from latentink.steganalysis.xunet import XuNet
from latentink.steganalysis.yenet import YeNet
from latentink.tensor_files import fill, read_safetensors, write_safetensors

FORMAT = "latentink detector 1"
MIN_SIDE = 64
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "xunet": XuNet,
    "yenet": YeNet,
    "siastegnet": SiaStegNet,
}


class NetworkDetector(Detector):
    """A network as a detector.

    Attributes:
        name: of the network: a key of :data:`NETWORKS`.
        threshold: 0, where cover and stego are equally likely for the network.
        network: maps (B, 3, H, W) in [0, 1] to logits (B, 2); in evaluation mode.
        trained: whether the network has learned yet.
    """

    threshold = 0.0

    def __init__(self, name: str, network: nn.Module | None = None) -> None:
        """Take a trained network.

        Args:
            name: a key of :data:`NETWORKS`.
            network: of that name; None makes one with random weights, always the same ones.

        Raises:
            OptionError: no such network.
        """
        self.name = name
        if network is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                self.network, self.trained = make_network(name).eval(), False
        else:
            self.learned(network)

    def learned(self, network: nn.Module) -> None:
        """Take a network that has been trained."""
        self.network, self.trained = network.eval(), True

    def score(self, evidence: Evidence) -> float:
        """Return the stego's logit less the cover's, of the whole picture, in float32.

        Raises:
            OptionError: the picture is smaller than 64×64.
        """
        check_size(evidence.picture)
        with torch.inference_mode():
            return float(logit_difference(self.network(to_tensor(evidence.picture))))


def make_network(name: str) -> nn.Module:
    """Return a network with random weights, which are torch's global generator's.

    Raises:
        OptionError: no such network; the sentence names those that are.
    """
    if name not in NETWORKS:
        raise OptionError(f"There is no network {name!r}; choose {', '.join(NETWORKS)}.")
    return NETWORKS[name]()


def logit_difference(logits: Tensor) -> Tensor:
    """Return the stego's logit less the cover's, (B,) float32, of logits (B, 2)."""
    return logits[:, 1].float() - logits[:, 0].float()


def check_size(picture: np.ndarray) -> None:
    """Refuse a picture (H, W, 3) that a network cannot look at.

    Raises:
        OptionError: it is smaller than 64×64.
    """
    height, width = picture.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise OptionError(
            f"A picture of {width}×{height} is too small for a network that detects; it takes "
            f"{MIN_SIDE}×{MIN_SIDE} or more; take a larger one."
        )


# ------------------------------------------------------------------------------------ files


def save_detector(detector: NetworkDetector, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a detector to ``path`` as float32 safetensors, replacing the file in one step.

    Args:
        detector: what to write.
        path: where to; the folder must exist.
        metadata: further notes (what it was trained on), carried but never interpreted.

    Raises:
        OutputError: the file cannot be written.
    """
    tensors = {
        name: tensor.float()
        for name, tensor in detector.network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    write_safetensors(tensors, {**metadata, "format": FORMAT, "network": detector.name}, path)


def load_detector(path: Path) -> NetworkDetector:
    """Read what :func:`save_detector` wrote.

    Raises:
        WeightsError: the file is missing, is not safetensors, holds something else, or names a
            network that does not exist or that its tensors do not fit.
    """
    tensors, metadata = read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise unfit_weights(f"{path} holds something else than a detector of latentink")
    name = metadata.get("network", "")
    if name not in NETWORKS:
        raise unfit_weights(f"{path} is of the network {name!r}, not {', '.join(NETWORKS)}")
    network = NetworkDetector(name).network
    fill(network, {key: tensor.float() for key, tensor in tensors.items()}, str(path))
    return NetworkDetector(name, network)
