"""One photo with bits to carry, and the editor run on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from latentink.codecs.codec import Codec
from latentink.editing.editor import Edited, Progress, Reading, edit
from latentink.editing.presets import BALANCED
from latentink.editing.task import EditTask
from latentink.geometry import Rectangle
from latentink.message_decoders.periodic import PeriodicDecoder
from latentink.picture import to_tensor
from photos import astronaut

TaskOn = Callable[..., EditTask]
Run = Callable[..., tuple[Edited | None, list[Progress]]]


@pytest.fixture(scope="session")
def task_on(hyperprior: Codec) -> TaskOn:
    """Makes a task: a random bit at every position of a window of the astronaut."""

    def make(
        height: int = 128,
        width: int = 192,
        window: Rectangle | None = None,
        information: float = 0.3,
        **changes: Any,
    ) -> EditTask:
        cover = to_tensor(astronaut(height=height, width=width))
        code = hyperprior.quality_code(5)
        v = hyperprior.analyse(cover, code)
        z = hyperprior.hyper_analyse(v)
        window = window or Rectangle(0, 0, height, width)
        signs = np.random.default_rng(0).integers(0, 2, (2, window.height // 4, window.width // 4))
        task = EditTask(
            cover=cover,
            v=v,
            z=z,
            side=hyperprior.entropy.side(z, (v.shape[-2], v.shape[-1])),
            quality_code=code,
            lagrangian=hyperprior.lagrangian(code),
            decoder=PeriodicDecoder(bytes(32)),
            window=window,
            wanted=torch.from_numpy(2.0 * signs - 1).float(),
            information=information,
        )
        return replace(task, **changes)

    return make


@pytest.fixture(scope="session")
def run(hyperprior: Codec) -> Run:
    """Runs the editor with changes to `balanced` and a receiver that reads all or nothing."""

    def edited(
        task: EditTask,
        *,
        steps: int = 60,
        seconds: float | None = None,
        carried: bool = True,
        **changes: Any,
    ) -> tuple[Edited | None, list[Progress]]:
        seen: list[Progress] = []
        found = edit(
            hyperprior,
            task,
            replace(BALANCED, **changes),
            seed=0,
            steps=steps,
            seconds=seconds,
            read=lambda latents: Reading(carried, 0.0),
            on_step=seen.append,
        )
        return found, seen

    return edited
