"""Soft information of channels whose capacity is known."""

from __future__ import annotations

import pytest
import torch

from latentink.editing.soft_information import soft_information


def test_soft_information_of_known_channels() -> None:
    sure, unknown = torch.ones(1000), torch.zeros(1000)
    assert soft_information(sure) == pytest.approx(1000, abs=5)
    assert soft_information(unknown) == pytest.approx(0, abs=1e-3)
    assert soft_information(torch.cat([sure, unknown])) == pytest.approx(1000, abs=10)
    errors = torch.ones(10_000)
    errors[:1100] = -1  # A binary symmetric channel of capacity 0.5.
    assert soft_information(errors) == pytest.approx(5000, abs=60)
    assert soft_information(errors * 1e-3) == pytest.approx(soft_information(errors), rel=1e-3)
    many = errors[torch.randperm(10_000, generator=torch.Generator().manual_seed(0))].repeat(20)
    assert soft_information(many) == pytest.approx(100_000, rel=0.02)  # looked at in part


def test_no_margins_hold_nothing() -> None:
    assert soft_information(torch.zeros(0)) == 0
