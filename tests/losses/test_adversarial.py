"""The adversarial term of Eq. 1, and the loss that trains the discriminator."""

from __future__ import annotations

import math

import pytest
import torch

from latentink.losses.adversarial import adversarial, discrimination


def test_the_term_is_minus_the_log_of_the_probability() -> None:
    logits = torch.tensor([[-3.0, 0.0], [0.5, 4.0]])
    torch.testing.assert_close(adversarial(logits), -torch.sigmoid(logits).log().mean())
    assert float(adversarial(torch.zeros(4))) == pytest.approx(math.log(2))


def test_the_term_stays_finite_and_keeps_its_gradient_when_the_discriminator_is_sure() -> None:
    logits = torch.full((4,), -300.0, requires_grad=True)
    adversarial(logits).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.full((4,), -0.25))


def test_discrimination_is_the_cross_entropy_of_both_kinds() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 6, generator=generator)
    expected = -torch.sigmoid(real).log().mean() - (1 - torch.sigmoid(fake)).log().mean()
    torch.testing.assert_close(discrimination(real, fake), expected)
