"""A step of each task on another device mixes no devices and does what it does on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from lightning_fabric import Fabric

from latentink.training.registry import TASKS
from latentink.training.trainer import Trainer
from pretended_device import pretended_device


@pytest.mark.parametrize("task", TASKS)
def test_a_step_stays_on_its_device(
    task: str, trainer_of: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = trainer_of(task).advance()
    with pretended_device() as device:
        monkeypatch.setattr(Fabric, "device", property(lambda fabric: device))
        # PyTorch knows no fast precision of this device, so all is float32.
        monkeypatch.setattr(Fabric, "autocast", lambda fabric: nullcontext())
        monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.float)
        # PyTorch knows no fast precision of this device, so all is float32.
        monkeypatch.setattr(Fabric, "autocast", lambda fabric: nullcontext())
        monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.float)
        # PyTorch knows no fast precision of this device, so all is float32.
        monkeypatch.setattr(Fabric, "autocast", lambda fabric: nullcontext())
        monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.float)
        trainer = trainer_of(task)
        found = trainer.advance()
        for name in trainer.task.parts:
            part = getattr(trainer.task, name)
            if isinstance(part, torch.nn.Module):
                assert {p.device for p in part.parameters()} == {device}
    assert found.keys() == expected.keys()
    assert float(found["loss"]) == pytest.approx(float(expected["loss"]), rel=0.1)
