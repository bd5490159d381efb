"""Gain vectors at the qualities of the weights and between them."""

from __future__ import annotations

import pytest
import torch

from latentink.codecs.gains import Gains, extend_rows, interpolate


def test_rows_are_interpolated_and_stay_inside() -> None:
    rows = torch.tensor([[0.0, 10.0], [2.0, 20.0], [8.0, 20.0]])
    quality = torch.tensor([0.0, 1.0, 2.5, 4.0, 9.0])
    expected = torch.tensor([[0.0, 10.0], [0.0, 10.0], [3.5, 20.0], [8.0, 20.0], [8.0, 20.0]])
    torch.testing.assert_close(interpolate(rows, (1, 2, 4), quality), expected)
    one = interpolate(rows[:1], (5,), quality)
    assert torch.equal(one, rows[:1].expand(5, -1))


def test_rows_go_on_with_the_last_slope() -> None:
    rows = torch.tensor([[0.0], [2.0], [8.0]])
    wanted = (0.0, 1.5, 6.0)
    torch.testing.assert_close(
        extend_rows(rows, (1, 2, 4), wanted), torch.tensor([[-2.0], [1.0], [14.0]])
    )
    assert torch.equal(extend_rows(rows[:1], (5,), wanted), torch.zeros(3, 1))


def test_untrained_gains_undo_each_other_and_grow_with_quality() -> None:
    gain, inverse = Gains((1, 5, 8), latent_channels=3)(torch.tensor([1.0, 5.0, 6.5]))
    assert gain.shape == (3, 3, 1, 1)
    torch.testing.assert_close(gain * inverse, torch.ones(3, 3, 1, 1))
    assert (gain.diff(dim=0) > 0).all()


def test_lagrangian_follows_compressai(codec):
    assert codec.lagrangian(codec.quality_code(5)) == pytest.approx(0.025)
    between = codec.lagrangian(codec.quality_code(5.5))
    assert between == pytest.approx((0.025 * 0.0483) ** 0.5)
