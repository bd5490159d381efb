"""Times one forward and backward pass at 512×512, with the gradient of the input only.

    python experiments/step_cost.py

Prints a Markdown table of medians of repeated passes, in bfloat16 where the CPU is fast at it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from latentink.codecs.loading import load_codec
from latentink.frozen_networks import fast_autocast, frozen_copy
from latentink.message_decoders.registry import MESSAGE_DECODERS, load_message_decoder

SIDE = 512
PASSES = 15


def median_seconds(network: Callable[[Tensor], Tensor], values: Tensor) -> float:
    """Return the median seconds of a pass of ``network`` and its gradient at ``values``."""
    seconds = []
    for _ in range(PASSES):
        leaf = values.clone(memory_format=torch.channels_last).requires_grad_()
        started = time.perf_counter()
        with fast_autocast(values.device):
            output = network(leaf)
        output.float().sum().backward()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    codec = load_codec("hyperprior")
    latent = torch.randn(1, codec.entropy.latent_channels, SIDE // 16, SIDE // 16)
    picture = torch.rand(1, 3, SIDE, SIDE)
    print("| network | milliseconds |\n|---|---:|")
    seconds = median_seconds(frozen_copy(codec.g_s), latent)
    print(f"| synthesis transform | {1000 * seconds:.0f} |")
    for name in MESSAGE_DECODERS:
        decoder = load_message_decoder(name, bytes(32))
        seconds = median_seconds(lambda x, d=decoder: d.planes(x, 1), picture)  # type: ignore[misc]
        print(f"| message decoder `{name}`, one plane | {1000 * seconds:.0f} |")


if __name__ == "__main__":
    main()
