from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Embedding = Callable[[np.ndarray, float], np.ndarray]


@pytest.fixture(scope="session")
def scatter() -> Embedding:
    """Replaces the lowest bits of a share of the values, drawn at random, by random bits."""

    def embed(picture: np.ndarray, share: float) -> np.ndarray:
        generator = np.random.default_rng(1)
        bits = generator.integers(0, 2, picture.shape, dtype=np.uint8)
        return np.where(generator.random(picture.shape) < share, picture & 254 | bits, picture)

    return embed


@pytest.fixture(scope="session")
def fill() -> Embedding:
    """Replaces the lowest bits of the first values, in raster order, by random bits."""

    def embed(picture: np.ndarray, share: float) -> np.ndarray:
        values = picture.reshape(-1).copy()
        head = values[: round(share * values.size)]
        head[:] = head & 254 | np.random.default_rng(1).integers(0, 2, head.size, dtype=np.uint8)
        return values.reshape(picture.shape)

    return embed
