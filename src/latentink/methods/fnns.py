"""FNNS: changes the pixels of the cover until a fixed message decoder reads the bits.

Kishore, Chen, Wang, Li, Weinberger, "Fixed Neural Network Steganography: Train the images, not the
network", ICLR 2022, section 3 and algorithm 1:

    min over x̃ of Σ cross entropy(decoder(x̃), bits),    |x̃ − x| ≤ ε,    0 ≤ x̃ ≤ 1

by rounds of L-BFGS, each followed by a projection onto the bounds, until all bits are read
correctly. With a JPEG layer before the decoder, the steps of its rounding stop a quasi-Newton
method at once (docs/baselines.md), so Adam is used there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latentink.devices import device_named, on_device
from latentink.editing.optimisers import Adam
from latentink.frozen_networks import fast_autocast
from latentink.message_decoders.keyed import keyed_decoder
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.message_decoders.registry import load_message_encoder
from latentink.methods.entries import (
    DENSE,
    JPEG_QUALITIES,
    MethodEntry,
    MethodOptions,
    chosen_decoder,
)
from latentink.methods.jpeg_layer import jpeg_straight_through
from latentink.methods.method import PaintedMethod, Stego
from latentink.methods.saving import Floats, Jpeg, Png, Saving
from latentink.payload.keys import derive_keys
from latentink.picture import to_tensor


class Rounds(Protocol):
    """An optimiser of the pixels that works in rounds."""

    def round(self, closure: Callable[[], Tensor]) -> None:
        """Do one round; ``closure`` sets the gradient of the pixels and returns the loss."""


class LbfgsRounds:
    """Rounds of L-BFGS without line search; each starts with an empty memory."""

    def __init__(self, pixels: Tensor, learning_rate: float, iterations: int) -> None:
        self.pixels, self.learning_rate, self.iterations = pixels, learning_rate, iterations

    def round(self, closure: Callable[[], Tensor]) -> None:
        """Do one round."""
        torch.optim.LBFGS(
            [self.pixels], lr=self.learning_rate, max_iter=self.iterations, history_size=10
        ).step(closure)


class AdamRounds:
    """Rounds of Adam, which keeps its moments from one round to the next."""

    def __init__(self, pixels: Tensor, learning_rate: float, iterations: int) -> None:
        self.iterations = iterations
        self._adam = Adam(pixels, learning_rate)

    def round(self, closure: Callable[[], Tensor]) -> None:
        """Do one round."""
        for _ in range(self.iterations):
            self._adam.step(closure)


@dataclass(frozen=True)
class Schedule:
    """How the pixels are moved.

    Attributes:
        optimiser: makes the optimiser from pixels (1, 3, H, W), learning rate and iterations.
        learning_rate: PyTorch's for L-BFGS; in units of the picture, [0, 1], for Adam.
        rounds: the most rounds that a search takes, whether or not all bits are right.
        iterations: in a round, before pixels are projected and bits are checked.
        bound: ε in units of the picture, [0, 1]; the authors have 0.3 in [−1, 1].
    """

    optimiser: Callable[[Tensor, float, int], Rounds]
    learning_rate: float
    rounds: int
    iterations: int
    bound: float = 0.15


LBFGS = Schedule(LbfgsRounds, learning_rate=1.0, rounds=20, iterations=10)
"""The authors' rounds; at their learning rate of 0.1 the last bits would need three times more."""

LBFGS_RANDOM = Schedule(LbfgsRounds, learning_rate=0.1, rounds=20, iterations=10)
"""For random message decoders, which are steeper: at 0.5 the first round costs 13 dB more."""

ADAM = Schedule(AdamRounds, learning_rate=1e-2, rounds=10, iterations=10)
"""Through a JPEG layer."""


@dataclass(frozen=True)
class Fnns(PaintedMethod):
    """FNNS with a message decoder and a file format.

    Attributes:
        name: as on the command line.
        decoder: a folded, frozen message decoder (message_decoders/folding.py); D bits a pixel.
        saving: how the finished picture is saved.
        schedule: of the search.
        layer: a layer between pixels and decoder during the search (FNNS-JPG_TRAIN), or None.
        start: makes the picture to start from, out of cover (1, 3, H, W) and bits (1, D, H, W): a
            message encoder (FNNS-DE) or another method; None is the cover (FNNS-D, FNNS-R).
        device: where the search computes; the receiver reads on the CPU.
    """

    name: str
    decoder: MessageDecoder
    saving: Saving
    schedule: Schedule = LBFGS
    layer: Callable[[Tensor], Tensor] | None = None
    start: Callable[[Tensor, Tensor], Tensor] | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (D, H, W)."""
        return self.decoder.data_depth, cover.shape[0], cover.shape[1]

    @property
    def search(self) -> Hashable:
        """Return decoder, schedule, layer and start."""
        return "fnns", self.decoder.name, self.schedule, self.layer, self.start

    def find(self, cover: np.ndarray, bits: np.ndarray) -> np.ndarray:
        """Return the picture (H, W, 3) float32 in [0, 1] before it is saved.

        Raises:
            OptionError: the bits are of another shape.
        """
        self.check_bits(cover, bits)
        picture = to_tensor(cover).to(self.device)
        wanted = torch.from_numpy(bits).float()[None].to(self.device)
        start = picture
        if self.start is not None:
            with torch.no_grad():
                start = self.start(picture.cpu(), wanted.cpu()).to(self.device)
        decoder = on_device(self.decoder, self.device)
        found = search(picture, wanted, decoder, self.schedule, self.layer, start).cpu()
        return found[0].permute(1, 2, 0).contiguous().numpy()

    def extract(self, stego: Stego) -> np.ndarray:
        """Return the decoder's logits (D, H, W)."""
        return decoder_logits(self.decoder, stego.picture)


def search(
    cover: Tensor,
    wanted: Tensor,
    decoder: MessageDecoder,
    schedule: Schedule,
    layer: Callable[[Tensor], Tensor] | None,
    start: Tensor,
) -> Tensor:
    """Return pixels (1, 3, H, W) in [0, 1] from which the decoder reads as many bits as possible.

    Args:
        cover: (1, 3, H, W) in [0, 1].
        wanted: the bits, (1, D, H, W) of 0 and 1.
        decoder: a frozen message decoder.
        schedule: of the search.
        layer: a layer between pixels and decoder, or None.
        start: (1, 3, H, W), where the search starts; clipped to the bounds.
    """
    between = layer or (lambda pixels: pixels)
    low = (cover - schedule.bound).clamp_(min=0)
    high = (cover + schedule.bound).clamp_(max=1)
    pixels = start.clamp(low, high).contiguous().requires_grad_()

    def closure() -> Tensor:
        pixels.grad = None
        with fast_autocast(pixels.device):
            logits = decoder(between(pixels)).float()
        loss = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        loss.backward()
        return loss.detach()

    rounds = schedule.optimiser(pixels, schedule.learning_rate, schedule.iterations)
    for _ in range(schedule.rounds):
        rounds.round(closure)
        with torch.no_grad():
            pixels.copy_(pixels.clamp(low, high))
            # The receiver reads in float32, so float32 decides whether a bit is right.
            if bool(((decoder(between(pixels)) > 0) == (wanted > 0)).all()):
                break
    return pixels.detach()


@torch.no_grad()
def decoder_logits(decoder: MessageDecoder, picture: np.ndarray) -> np.ndarray:
    """Return a message decoder's logits (D, H, W) float32 of a picture (H, W, 3) in [0, 1]."""
    pixels = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
    logits: np.ndarray = decoder(pixels)[0].float().numpy()
    return logits


# --- entries --------------------------------------------------------------------------------------


def _fnns(name: str, saving: Saving, options: MethodOptions) -> Fnns:
    decoder = chosen_decoder(name, options, DENSE)
    return Fnns(name, decoder, saving, LBFGS, device=device_named(options.device))


def _fnns_jpeg(name: str, quality: int, options: MethodOptions) -> Fnns:
    return _fnns(name, Jpeg(quality, options.subsampling), options)


def _fnns_train(name: str, quality: int, options: MethodOptions) -> Fnns:
    saving = Jpeg(quality, options.subsampling)
    layer = partial(jpeg_straight_through, saving=saving)
    return replace(_fnns(name, saving, options), schedule=ADAM, layer=layer)


def _fnns_random(options: MethodOptions) -> Fnns:
    decoder = keyed_decoder(derive_keys(options.password).master, options.depth)
    device = device_named(options.device)
    return Fnns("fnns-r", decoder, Png(), LBFGS_RANDOM, device=device)


def _fnns_encoded(options: MethodOptions) -> Fnns:
    found = _fnns("fnns-de", Png(), options)
    return replace(found, start=load_message_encoder(found.decoder.name))


def _entry(
    name: str, summary: str, make: Callable[[MethodOptions], Fnns], takes_decoder: bool = True
) -> MethodEntry:
    return MethodEntry(name, "Kishore et al., ICLR 2022", summary, make, len(DENSE), takes_decoder)


ENTRIES = (
    *(
        _entry(name, f"L-BFGS on the pixels, saved as {form}", partial(_fnns, name, saving))
        for name, form, saving in (
            ("fnns", "float32", Floats(32)),
            ("fnns-fp16", "float16", Floats(16)),
            ("fnns-png", "PNG", Png()),
        )
    ),
    *(
        _entry(
            f"fnns-jpg{quality}",
            f"L-BFGS on the pixels, saved as JPEG {quality}",
            partial(_fnns_jpeg, f"fnns-jpg{quality}", quality),
        )
        for quality in JPEG_QUALITIES
    ),
    *(
        _entry(
            f"fnns-jpg{quality}-train",
            f"Adam on the pixels through a JPEG {quality} layer, saved so",
            partial(_fnns_train, f"fnns-jpg{quality}-train", quality),
        )
        for quality in JPEG_QUALITIES
    ),
    _entry(
        "fnns-r",
        "L-BFGS on the pixels against a random decoder, saved as PNG",
        _fnns_random,
        takes_decoder=False,
    ),
    _entry(
        "fnns-de", "L-BFGS on the pixels from the encoder's picture, saved as PNG", _fnns_encoded
    ),
)
