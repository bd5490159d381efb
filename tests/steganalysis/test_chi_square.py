from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from latentink.steganalysis.chi_square import block_histograms, chi_square, pair_statistics
from photos import astronaut


def as_described(picture: np.ndarray) -> float:
    """../shared/stegexpose/BEHAVIOUR.md block by block, with scipy's own test."""
    values = picture.reshape(-1)
    histogram = np.ones(256, np.int64)
    p_values = []
    for block in range(values.size // 1024 - 1):
        np.add.at(histogram, values[1024 * block : 1024 * (block + 1)], 1)
        observed = histogram[::2]
        expected = (histogram[::2] + histogram[1::2]) // 2
        rescaled = expected * (observed.sum() / expected.sum())
        p_values.append(chisquare(observed, rescaled).pvalue)
    return float(np.mean(p_values))


@pytest.mark.parametrize(("height", "width"), [(300, 300), (331, 287), (293, 301)])
def test_blocks_as_described(height, width, fill):
    photo = astronaut(left=0, height=height, width=width)
    for picture in (photo, fill(photo, 0.3)):
        assert chi_square(picture) == pytest.approx(as_described(picture), abs=1e-10)


def test_fewer_than_256_tests_fail():
    # 87,723 pixels are the fewest with 257 whole blocks of bytes, of which the last has no test.
    fewest = np.zeros((1, 87_723, 3), np.uint8)
    assert chi_square(fewest) is not None
    assert chi_square(fewest[:, 1:]) is None


def test_a_message_at_the_start_is_measured(fill):
    photo = astronaut(left=0, height=512, width=512)
    estimates = [chi_square(fill(photo, share)) for share in (0, 0.25, 0.5, 0.75, 1)]
    assert estimates == sorted(estimates)
    np.testing.assert_allclose(estimates, [0, 0.25, 0.5, 0.75, 1], atol=0.1)


def test_a_scattered_message_is_seen_only_where_it_is_long(scatter):
    photo = astronaut(left=0, height=512, width=512)
    assert chi_square(scatter(photo, 0.25)) < 0.1
    assert chi_square(scatter(photo, 1)) > 0.95


def test_a_constant_picture_depends_on_its_lowest_bit():
    assert chi_square(np.full((512, 512, 3), 100, np.uint8)) > 0.999
    assert chi_square(np.full((512, 512, 3), 101, np.uint8)) < 1e-9


def test_statistic_of_equal_and_unequal_pairs():
    histograms = np.full((2, 256), 10)
    histograms[1, :128:2], histograms[1, 1:128:2] = 5, 15
    # 64 pairs observe 5 and 64 observe 10, all expect 10, rescaled to 7.5.
    np.testing.assert_allclose(pair_statistics(histograms), [0, 128 * 2.5**2 / 7.5])


def test_histograms_of_rows():
    blocks = np.array([[0, 0, 255], [1, 0, 1]], np.uint8)
    counted = block_histograms(blocks)
    assert counted.shape == (2, 256)
    assert counted[0, [0, 1, 255]].tolist() == [2, 0, 1]
    assert counted[1, [0, 1, 255]].tolist() == [1, 2, 0]
