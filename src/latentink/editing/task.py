"""What the editor is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from latentink.codecs.entropy_model import Chooser, nearest
from latentink.devices import on_device
from latentink.geometry import Rectangle
from latentink.message_decoders.message_decoder import MessageDecoder


@dataclass(frozen=True)
class EditTask:
    """One photo, and the bits that its picture should carry.

    Attributes:
        cover: (1, 3, H, W) in [0, 1], the whole photo.
        v: (1, M, h, w) float32, its latent in units of symbols.
        z: (N, h', w') int32, the hyper-latent's symbols; see ``Preset.hyper_steps``.
        side: (C, h, w), what the entropy model knows from them, exact.
        quality_code: the quality in units of ``QUALITY_UNIT``.
        lagrangian: λ1 of that quality.
        decoder: the message decoder.
        window: the pixels that carry; only their latents change.
        wanted: (planes, gh, gw) float32 over the window: +1 for bit 1, −1 for bit 0, and 0 where
            nothing is carried.
        information: bits per raw bit that the error correction needs.
        critics: the networks of the objective, by the names of their terms (``load_critics`` in
            editing/objective.py); a term whose network is missing is off.
        untouched: chooses the symbols outside of the window; inside they are the nearest.
        start: (1, M, h, w), where the search for v begins; None: at v itself.
        device: where the editor computes; all tensors here are on the CPU.
    """

    cover: Tensor
    v: Tensor
    z: np.ndarray
    side: np.ndarray
    quality_code: int
    lagrangian: float
    decoder: MessageDecoder
    window: Rectangle
    wanted: Tensor
    information: float
    critics: Mapping[str, nn.Module] = field(default_factory=dict)
    untouched: Chooser = nearest
    start: Tensor | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def on_device(self) -> EditTask:
        """Return the task with what is differentiated on its device: pictures, bits, networks."""
        return replace(
            self,
            cover=self.cover.to(self.device),
            wanted=self.wanted.to(self.device),
            decoder=on_device(self.decoder, self.device),
            critics={name: on_device(one, self.device) for name, one in self.critics.items()},
        )
