"""What the tasks that hide bits share."""

from __future__ import annotations

import pytest
import torch

from latentink.training.bit_hiding import BitHidingRecipe, draw_bits, figures


def test_unused_positions_carry_a_half() -> None:
    bits, used = draw_bits((1, 1, 200, 200), 1 / 16, torch.Generator().manual_seed(0))
    assert torch.equal(bits[~used], torch.full_like(bits[~used], 0.5))
    assert set(bits[used].unique().tolist()) == {0.0, 1.0}
    assert float(used.float().mean()) == pytest.approx(1 / 16, rel=0.1)


def test_the_image_weight_rises() -> None:
    recipe = BitHidingRecipe(steps=100, image_weight=10, image_rise=0.5)
    weights = [recipe.image_weight_at(step) for step in (0, 25, 50, 99)]
    assert weights == pytest.approx([1, 5.5, 10, 10])


def test_figures_by_hand() -> None:
    logits, bits = torch.tensor([3.0, -1, 2, -0.5]), torch.tensor([1.0, 0, 0, 0])
    found = figures(torch.tensor(0.25), logits, bits, torch.tensor(1e-3))
    assert found == pytest.approx({"loss": 0.25, "accuracy": 0.75, "psnr": 30}, rel=1e-5)
