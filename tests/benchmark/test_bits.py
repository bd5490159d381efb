"""The bits of a photo."""

from __future__ import annotations

import numpy as np

from latentink.benchmark.bits import photo_bits


def test_bits_depend_on_seed_and_photo() -> None:
    shapes = [photo_bits((1, 8, 8), *of) for of in ((0, "a"), (0, "a"), (1, "a"), (0, "b"))]
    assert np.array_equal(shapes[0], shapes[1])
    assert not np.array_equal(shapes[0], shapes[2])
    assert not np.array_equal(shapes[0], shapes[3])
