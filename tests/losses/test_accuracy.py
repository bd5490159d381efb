"""The forms of L_acc have the values worked out by hand, and the numerical gradient."""

from __future__ import annotations

import math

import pytest
import torch

from latentink.losses.accuracy import ACCURACY_LOSSES, cross_entropy, hinge

LOGITS = torch.tensor([0.1, -0.3, 2.0, -2.0], dtype=torch.float64)
BITS = torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64)


def test_the_hinge_by_hand() -> None:
    assert float(hinge(LOGITS, BITS, margin=0.4)) == pytest.approx(0.3 + 0.7)


def test_the_cross_entropy_by_hand() -> None:
    expected = sum(math.log1p(math.exp(-margin)) for margin in (0.1, -0.3, 2.0, 2.0))
    assert float(cross_entropy(LOGITS, BITS)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ACCURACY_LOSSES)
def test_the_gradient_is_the_numerical_one(name: str) -> None:
    loss = ACCURACY_LOSSES[name](0.4)
    assert torch.autograd.gradcheck(lambda x: loss(x, BITS), LOGITS.clone().requires_grad_())
