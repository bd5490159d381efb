"""The total variation has the values worked out by hand, and the numerical gradient."""

from __future__ import annotations

import math

import pytest
import torch

from latentink.losses.total_variation import total_variation

# Grey levels; one position (top left) has both neighbours, 3 to the right and 4 below.
CORNER = torch.tensor([[10.0, 13.0], [14.0, 200.0]], dtype=torch.float64)[None, None] / 255


@pytest.mark.parametrize(("exponent", "value"), [(1.0, 5.0), (2.0, 25.0), (3.0, 125.0)])
def test_one_position_by_hand(exponent: float, value: float) -> None:
    assert float(total_variation(CORNER, exponent)) == pytest.approx(value, abs=0.011)


def test_squares_are_added_not_subtracted() -> None:
    """Eq. 4 as printed gives 3² − 4² here."""
    assert float(total_variation(CORNER, 2.0)) == pytest.approx(25, abs=1e-9)


def test_a_ramp_by_hand_sums_over_positions_and_colours() -> None:
    ramp = (2 * torch.arange(5, dtype=torch.float64) / 255).expand(1, 3, 4, 5)
    assert float(total_variation(ramp, 2.0)) == pytest.approx(3 * 3 * 4 * 2**2)


def test_parts_that_overlap_by_a_pixel_sum_to_the_whole() -> None:
    picture = torch.rand(1, 3, 9, 8, generator=torch.Generator().manual_seed(0)).double()
    parts = total_variation(picture[..., :5], 1.0) + total_variation(picture[..., 4:], 1.0)
    torch.testing.assert_close(parts, total_variation(picture, 1.0))


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0, 2.5])
def test_a_flat_picture_costs_nothing_and_has_gradient_zero(exponent: float) -> None:
    flat = torch.full((1, 3, 4, 4), 0.3, requires_grad=True)
    cost = total_variation(flat, exponent)
    cost.backward()
    assert float(cost.detach()) == pytest.approx(0, abs=1e-6)
    assert flat.grad is not None
    assert torch.equal(flat.grad, torch.zeros_like(flat))


@pytest.mark.parametrize("exponent", [1.0, 2.0, 2.5])
def test_the_gradient_is_the_numerical_one(exponent: float) -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 2, 4, 5, generator=generator, dtype=torch.float64)
    picture[..., :2, :2] = 0.5
    picture.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: total_variation(x, exponent), picture, eps=1e-8, atol=1e-3, rtol=1e-4
    )


def test_a_picture_one_pixel_wide_costs_nothing() -> None:
    assert math.isclose(float(total_variation(torch.rand(1, 3, 5, 1), 1.0)), 0.0)
