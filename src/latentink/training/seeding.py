"""Random numbers that follow from words, so that a resumed run draws what it would have drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed PyTorch's global generators in the block, and leave the CPU's as it was before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def batch_seeded(task: str, seed: int, batch: int | str) -> Iterator[Generator]:
    """Yield the generator of a batch, and seed PyTorch's global ones for it in the block.

    Args:
        task: word of the task (Task.seed_word), mixed into the seed.
        seed: of the recipe.
        batch: number of the batch; those for measuring have negative ones.
    """
    digest = hashlib.sha256(f"latentink {task} {seed} {batch}".encode()).digest()
    own, everywhere = (int.from_bytes(digest[at : at + 8], "little") >> 1 for at in (0, 8))
    with seeded(everywhere):
        yield Generator().manual_seed(own)
