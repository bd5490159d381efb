"""Latents without a photo, on which the exact coding is tested, and senders that do it wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from latentink.channels.latents.exact.writer import ExactWriter
from latentink.codecs.coins import CoinFlips, are_free, coins_of
from latentink.payload.keys import Keys

SCALES = np.geomspace(0.11, 256, 64)


@dataclass(frozen=True)
class CoinPhoto:
    """Values and rows of symbols whose distribution is the entropy model's.

    Attributes:
        values: (n,) in units of symbols.
        rows: (n,) of the Gaussian table.
        passes: flat positions of each pass.
    """

    values: np.ndarray
    rows: np.ndarray
    passes: list[np.ndarray]

    @cached_property
    def free(self) -> np.ndarray:
        """Which symbols a coin decides."""
        return are_free(self.values, self.rows, SCALES)

    def written(self, writer: ExactWriter) -> np.ndarray:
        """Return the symbols (n,) of a writer."""
        symbols = np.zeros(len(self.values), dtype=np.int64)
        for places in self.passes:
            symbols[places] = writer(places, self.values[places], self.rows[places])
        return symbols

    def plain(self, entropy: bytes) -> np.ndarray:
        """Return the symbols (n,) of a plain file."""
        choose, places = CoinFlips(coins_of(entropy), SCALES), np.arange(len(self.values))
        return choose(places, self.values, self.rows).astype(np.int64)


def coin_photo(symbols: int, passes: int = 1, seed: int = 0) -> CoinPhoto:
    """Return a photo of ``symbols`` symbols with scales from 0.11 to 4."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 30, symbols).astype(np.uint8)
    values = rng.normal(scale=SCALES[rows])
    return CoinPhoto(values, rows, np.array_split(np.arange(symbols), passes))


def writer_of(plaintext: bytes, keys: Keys, entropy: bytes) -> ExactWriter:
    """Return the writer of a message."""
    return ExactWriter(plaintext, keys, coins_of(entropy), SCALES)


class SparingWriter(ExactWriter):
    """A sender that spares the photo: it starts from the nearest symbols and not from coins."""

    def drawn(self, nearest: np.ndarray) -> np.ndarray:
        """Return the parities of the nearest symbols."""
        return nearest
