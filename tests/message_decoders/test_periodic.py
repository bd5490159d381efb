from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from latentink.message_decoders.periodic import (
    KERNEL,
    PERIODS,
    PLANES,
    PeriodicDecoder,
    keyed_filters,
    suited_periods,
)
from latentink.picture import to_tensor
from photos import astronaut

KEY = bytes(range(32))


def test_filters_never_change():
    """Files stay readable only as long as a key gives these very filters."""
    filters = keyed_filters(KEY)
    assert filters.shape == (PLANES, 3, KERNEL, KERNEL)
    # Hashed on a grid, so that the last bit of a square root may differ.
    grid = np.round(filters.astype(np.float64) * 2**16).astype("<i4")
    assert hashlib.sha256(grid.tobytes()).hexdigest()[:32] == "431e0e6b316a7e79e32548ed9af11069"
    np.testing.assert_allclose(filters[0, 0, 0, :3], [-0.102570, -0.049634, 0.017549], atol=1e-6)


def test_filters_have_no_mean_and_unit_norm():
    filters = keyed_filters(KEY).astype(np.float64)
    np.testing.assert_allclose(filters.sum(axis=(2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose((filters**2).sum(axis=(1, 2, 3)), 1, atol=1e-5)
    assert np.abs(filters - keyed_filters(KEY[::-1])).max() > 0.1


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (64, 100)])
def test_shape(size):
    logits = PeriodicDecoder(KEY)(torch.rand(1, 3, *size))
    assert logits.shape == (1, PLANES, size[0] // 4, size[1] // 4)
    assert logits.abs().max() <= 1


@pytest.mark.parametrize("name", PERIODS)
def test_half_a_period_turns_a_bit_over(name):
    decoder = PeriodicDecoder(KEY, name)
    picture = to_tensor(astronaut(height=32, width=32))
    row, column, plane = 3, 4, 5
    filters = decoder.get_buffer("filters")
    moved = picture.clone()
    top, left = 4 * row - 2, 4 * column - 2
    moved[0, :, top : top + KERNEL, left : left + KERNEL] += (
        filters[plane] * PERIODS[name] / 2 / 255
    )
    before, after = decoder(picture)[0, plane, row, column], decoder(moved)[0, plane, row, column]
    torch.testing.assert_close(after, -before, atol=1e-3, rtol=0)


def test_a_coarse_picture_gets_the_long_period_and_other_decoders_stay():
    assert suited_periods("periodic", 34.0) == ["periodic"]
    assert suited_periods("periodic", 31.0) == ["periodic", "periodic64"]
    assert suited_periods("periodic", 27.0) == ["periodic64", "periodic128"]
    assert suited_periods("dense", 27.0) == ["dense"]


def test_logits_do_not_look_beyond_the_halo():
    decoder = PeriodicDecoder(KEY)
    picture = to_tensor(astronaut(height=64, width=64))
    other = picture.clone()
    other[..., 32:] = 1 - other[..., 32:]
    unseen = 32 // decoder.stride - decoder.halo // decoder.stride
    first, second = decoder(picture), decoder(other)
    torch.testing.assert_close(first[..., :unseen], second[..., :unseen])
    assert (first - second)[..., unseen:].abs().max() > 0.1


def test_some_planes_are_the_first_of_all():
    decoder, picture = PeriodicDecoder(KEY), to_tensor(astronaut(height=48, width=48))
    # A unit of the projection, a float32 sum of 192 products, is 50 radians of the sine.
    torch.testing.assert_close(
        decoder.planes(picture, 3), decoder(picture)[:, :3], atol=1e-3, rtol=0
    )


def test_bits_of_photos_are_balanced():
    logits = PeriodicDecoder(KEY)(to_tensor(astronaut()))
    assert 0.45 < float((logits > 0).float().mean()) < 0.55
