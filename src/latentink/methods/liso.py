"""LISO: a learned optimiser changes the picture until a message decoder reads the bits.

```
 cover, bits ──► steps of the network ──► the best of them ──► saved ──► decoder ──► soft bits
```

Chen, Kishore, Weinberger, "Learning Iterative Neural Optimizers for Image Steganography", ICLR
2023. As in the authors' evaluation, the sender reads the picture after every step as the decoder
will see it, and keeps the one with the fewest errors. Here it stops at the first without errors.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latentink.bundled import bundled
from latentink.devices import device_named, on_device
from latentink.errors import OptionError
from latentink.message_decoders.folding import fold_batch_norm
from latentink.methods.entries import JPEG_QUALITIES, MethodEntry, MethodOptions
from latentink.methods.fnns import LBFGS, Fnns, decoder_logits
from latentink.methods.liso_network import MAX_ITERATIONS, load_liso
from latentink.methods.method import PaintedMethod, Stego
from latentink.methods.saving import Jpeg, Png, Saving
from latentink.picture import to_tensor

PLAIN = bundled("liso")
JPEG = bundled("liso_jpeg")
MAX_STEP_SIZE = 10.0


@dataclass(frozen=True)
class Embedding:
    """What the optimiser found.

    Attributes:
        picture: (H, W, 3) float32 in [0, 1], before it is saved.
        iterations: number of steps to this picture.
        accuracy: share of the bits that are read correctly, if the picture is saved in the way that
            the weights were trained for.
    """

    picture: np.ndarray = field(repr=False)
    iterations: int
    accuracy: float


class Liso(PaintedMethod):
    """LISO; the weights say how many bits it embeds in each pixel.

    ``Liso(Png())`` is ``liso-png`` and ``Liso(Jpeg(90))`` is ``liso-jpg90``, both with the plain
    weights; ``Liso(weights=JPEG)`` is ``liso-jpeg``, which saves as the JPEG it was trained for.

    Attributes:
        saving: how the stego is saved.
        network: the optimiser and its message decoder.
        iterations: the most steps that ``embed`` takes.
        step_size: factor on the change of each step.
    """

    def __init__(
        self,
        saving: Saving | None = None,
        weights: Path = PLAIN,
        iterations: int | None = None,
        step_size: float = 1.0,
        device: str = "cpu",
    ) -> None:
        """Load the weights.

        Args:
            saving: how the stego is saved; None takes what the weights were trained for. The
                optimiser assumes the latter in any case.
            weights: a file of LISO weights.
            iterations: the most steps, 1 to 1000; None takes as many as in training.
            step_size: factor on the change of each step, above 0 and at most 10. Training has 1,
                the authors' evaluation 0.1 with 150 steps.
            device: where the optimiser computes: a key of :data:`latentink.devices.DEVICES`; the
                receiver reads on the CPU.

        Raises:
            OptionError: a number is out of range.
            WeightsError: the file is missing or holds no LISO weights.
        """
        self.network, self.device = load_liso(weights), device_named(device)
        design = self.network.design
        self.saving = design.saving if saving is None else saving
        self.name = _name(self.saving, design.saving)
        self.iterations = design.iterations if iterations is None else iterations
        self.step_size = step_size
        if not 1 <= self.iterations <= MAX_ITERATIONS:
            raise OptionError(f"LISO takes 1 to {MAX_ITERATIONS} steps, not {self.iterations}.")
        if not 0 < step_size <= MAX_STEP_SIZE:
            raise OptionError(f"LISO's step size is above 0, at most 10, not {step_size}.")

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (D, H, W)."""
        return (self.network.design.data_depth, *cover.shape[:2])

    @property
    def search(self) -> Hashable:
        """Return the weights' design, the number of steps and their size."""
        return "liso", self.network.design, self.iterations, self.step_size

    def find(self, cover: np.ndarray, bits: np.ndarray) -> np.ndarray:
        """Return the best of the optimiser's pictures; see :meth:`optimise`."""
        return self.optimise(cover, bits).picture

    def optimise(self, cover: np.ndarray, bits: np.ndarray) -> Embedding:
        """Return the picture with the fewest errors, and of several the earliest.

        Args:
            cover: (H, W, 3) uint8.
            bits: (D, H, W) uint8 of 0 and 1.

        Raises:
            OptionError: the bits are of another shape.
        """
        self.check_bits(cover, bits)
        picture, step, accuracy = self._best(to_tensor(cover), torch.from_numpy(bits)[None].float())
        return Embedding(picture[0].permute(1, 2, 0).contiguous().numpy(), step, accuracy)

    def picture(self, cover: Tensor, wanted: Tensor) -> Tensor:
        """Return the picture (1, 3, H, W) of :meth:`optimise`, for another method to start from.

        Args:
            cover: (1, 3, H, W) in [0, 1].
            wanted: the bits, (1, D, H, W) of 0 and 1.
        """
        return self._best(cover, wanted)[0]

    def _best(self, cover: Tensor, wanted: Tensor) -> tuple[Tensor, int, float]:
        best, best_wrong, best_step = cover, wanted.numel() + 1, 0
        network = on_device(self.network, self.device)
        cover, wanted = cover.to(self.device), wanted.to(self.device)
        steps = network.steps(cover, wanted, self.iterations, self.step_size)
        for step, (stego, logits) in enumerate(steps, start=1):
            wrong = int(((logits > 0) != (wanted > 0.5)).sum())
            if wrong < best_wrong:
                best, best_wrong, best_step = stego.detach(), wrong, step
            if not wrong:
                break
        return best.cpu(), best_step, 1 - best_wrong / wanted.numel()

    def extract(self, stego: Stego) -> np.ndarray:
        """Return the decoder's logits (D, H, W)."""
        return decoder_logits(self.network.decoder, stego.picture)


def _name(saving: Saving, trained_for: Png | Jpeg) -> str:
    family = "liso-jpeg" if isinstance(trained_for, Jpeg) else "liso"
    if family == "liso-jpeg" and saving == trained_for:
        return family
    kind = f"jpg{saving.quality}" if isinstance(saving, Jpeg) else saving.suffix[1:]
    return f"{family}-{kind}"


# --- entries --------------------------------------------------------------------------------------

_SOURCE = "Chen, Kishore, Weinberger, ICLR 2023"


def _liso_jpeg(quality: int, options: MethodOptions) -> Liso:
    return Liso(Jpeg(quality, options.subsampling), device=options.device)


def _liso_lbfgs(options: MethodOptions) -> Fnns:
    first = Liso(Png(), device=options.device)
    decoder = fold_batch_norm(first.network.decoder)
    return Fnns("liso-lbfgs", decoder, Png(), LBFGS, start=first.picture, device=first.device)


ENTRIES = (
    MethodEntry(
        "liso-png",
        _SOURCE,
        "learned optimiser, saved as PNG",
        lambda options: Liso(Png(), device=options.device),
    ),
    *(
        MethodEntry(
            f"liso-jpg{quality}",
            _SOURCE,
            f"learned optimiser, saved as JPEG {quality}",
            partial(_liso_jpeg, quality),
        )
        for quality in JPEG_QUALITIES
    ),
    MethodEntry(
        "liso-jpeg",
        _SOURCE,
        "learned optimiser trained through JPEG, saved so",
        lambda options: Liso(weights=JPEG, device=options.device),
    ),
    MethodEntry("liso-lbfgs", _SOURCE, "learned optimiser, then L-BFGS, saved as PNG", _liso_lbfgs),
)
