"""Times FNNS to zero error: our loop beside a straightforward one, in one run.

    python experiments/fnns_speed.py ../shared/photos/kodak/kodim05.png --crop 512

The straightforward loop runs PyTorch's L-BFGS in float32 on the message decoder as it is in its
file, in rounds of 10 iterations, and counts the right bits after each round. It runs once with the
authors' learning rate of 0.1 and once with ours. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from inputs import read_cover
from latentink.bundled import bundled
from latentink.message_decoders.decoder_file import load_decoder
from latentink.message_decoders.registry import load_message_decoder
from latentink.methods.fnns import LBFGS, search
from latentink.methods.method import random_bits
from latentink.picture import to_tensor


def straightforward(
    cover: Tensor, wanted: Tensor, learning_rate: float, seconds: float
) -> tuple[float, float]:
    """Return the seconds to zero error, or what was spent, and the share of right bits."""
    decoder = load_decoder(bundled("decoder_dense_d1"))
    pixels = cover.clone()
    started = time.monotonic()
    while True:
        pixels.requires_grad_()
        optimiser = torch.optim.LBFGS([pixels], lr=learning_rate, max_iter=10)

        def closure(pixels: Tensor = pixels) -> Tensor:
            pixels.grad = None
            loss = functional.binary_cross_entropy_with_logits(
                decoder(pixels), wanted, reduction="sum"
            )
            loss.backward()
            return loss.detach()

        optimiser.step(closure)
        with torch.no_grad():
            pixels = (cover + (pixels - cover).clamp(-LBFGS.bound, LBFGS.bound)).clamp(0, 1)
            right = float(((decoder(pixels) > 0) == (wanted > 0)).float().mean())
        spent = time.monotonic() - started
        if right == 1 or spent > seconds:
            return spent, right


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--crop", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=200, help="after which a loop is given up")
    arguments = parser.parse_args()
    picture = read_cover(arguments.photo, arguments.crop)
    cover = to_tensor(picture)
    wanted = torch.from_numpy(random_bits((1, 1, *picture.shape[:2]), 1)).float()
    decoder = load_message_decoder("dense", bytes(32))
    started = time.monotonic()
    found = search(cover, wanted, decoder, LBFGS, None, cover)
    ours = time.monotonic() - started
    with torch.no_grad():
        right = float(((decoder(found) > 0) == (wanted > 0)).float().mean())
    print("| loop | seconds | right | times ours |")
    print("|---|---:|---:|---:|")
    print(f"| ours | {ours:.1f} | {right:.4%} | 1 |", flush=True)
    for rate in (LBFGS.learning_rate, 0.1):
        spent, right = straightforward(cover, wanted, rate, arguments.seconds)
        name = f"straightforward, float32, learning rate {rate:g}"
        print(f"| {name} | {spent:.1f} | {right:.4%} | {spent / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
