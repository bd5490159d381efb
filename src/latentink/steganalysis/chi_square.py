"""The chi-square attack, as StegExpose computes it.

The attack is by Westfeld and Pfitzmann, "Attacks on steganographic systems", Information Hiding
1999: random lowest bits make the two values of a pair 2k, 2k + 1 equally frequent. StegExpose
(Boehm, arXiv:1410.6656) tests all bytes from the picture's start up to each multiple of 1,024 and
takes the mean of the p-values. A message spread over the whole picture raises it only where it
replaces most of the lowest bits.
"""

from __future__ import annotations

import numpy as np

BLOCK_BYTES = 1024
FEWEST_TESTS = 256
DEGREES_OF_FREEDOM = 127
_BATCH = 128


def chi_square(picture: np.ndarray) -> float | None:
    """Return the mean p-value, 0 to 1.

    If a message fills the start of the picture, it is near the share of the picture that is filled.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        0 to 1; None if 3·H·W bytes give fewer than 256 tests.
    """
    from scipy.special import gammaincc

    values = picture.reshape(-1)
    # StegExpose leaves out the last whole block.
    tests = values.size // BLOCK_BYTES - 1
    if tests < FEWEST_TESTS:
        return None
    statistics = np.empty(tests)
    histogram = np.ones(256, np.int64)
    for start in range(0, tests, _BATCH):
        stop = min(start + _BATCH, tests)
        blocks = values[start * BLOCK_BYTES : stop * BLOCK_BYTES].reshape(-1, BLOCK_BYTES)
        histograms = histogram + np.cumsum(block_histograms(blocks), axis=0)
        statistics[start:stop] = pair_statistics(histograms)
        histogram = histograms[-1]
    return float(np.mean(gammaincc(DEGREES_OF_FREEDOM / 2, statistics / 2)))


def block_histograms(blocks: np.ndarray) -> np.ndarray:
    """Return the histogram (n, 256) int64 of each row of ``blocks`` (n, any) uint8."""
    bins = blocks + 256 * np.arange(len(blocks))[:, None]
    return np.bincount(bins.reshape(-1), minlength=256 * len(blocks)).reshape(-1, 256)


def pair_statistics(histograms: np.ndarray) -> np.ndarray:
    """Return the chi-square statistic (n,) of the 128 pairs of values of each histogram (n, 256).

    Bin 2k is observed. Half of bins 2k and 2k + 1 together is expected, rounded down and then
    rescaled to the sum of the observed; it must be above 0 for each pair.
    """
    observed, odd = histograms[:, ::2], histograms[:, 1::2]
    expected = (observed + odd) // 2
    scale = observed.sum(axis=1, keepdims=True) / expected.sum(axis=1, keepdims=True)
    scaled = scale * expected
    return ((observed - scaled) ** 2 / scaled).sum(axis=1)
