"""LISO's networks: an optimiser that has learned to change a picture for a message decoder.

```
 cover, bits ──► context ──► c ─────────────────┐
                    └──────► h_0                ▼
 x_t ──► decoder ──► cross-entropy ──► ∂/∂x_t ──► GRU ──► h_{t+1} ──► change ──► x_{t+1}
  └────────────── x_t − cover ──────────────────▲
```

Chen, Kishore, Weinberger, "Learning Iterative Neural Optimizers for Image Steganography", ICLR
2023, section 3 and figure 2. The message decoder is SteganoGAN's dense one. Unlike in the paper one
convolution encodes gradient and change, and the context has no batch normalisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentink.errors import WeightsError, unfit_weights
from latentink.message_decoders.decoder_file import MAX_DATA_DEPTH, MAX_HIDDEN, load_decoder
from latentink.message_decoders.dense import DenseDecoder
from latentink.message_decoders.message_decoder import NEGATIVE_SLOPE, convolution, signed
from latentink.methods.jpeg_layer import jpeg_straight_through
from latentink.methods.saving import SUBSAMPLINGS, Jpeg, Png
from latentink.relaxations.eight_bits import round_to_8_bits
from latentink.tensor_files import (
    fill,
    metadata_number,
    read_safetensors,
    write_safetensors,
)

FORMAT = "latentink LISO 1"
MAX_ITERATIONS = 1000
DECODER_HIDDEN = 32
# Scales the first gradients of the bundled dense message decoder to a deviation near 1.
_GRADIENT_SCALE = 0.01
# Changes enter and leave the network in units of about ten grey levels, which are 1/255 apart.
_CHANGE_SCALE = 25.0


@dataclass(frozen=True)
class Design:
    """The sizes of LISO's networks, and what they were trained for.

    Attributes:
        data_depth: D, bits at each pixel.
        hidden: channels of the recurrent state.
        iterations: T, steps of the optimiser in training.
        saving: how the picture is saved before the message decoder reads it.
    """

    data_depth: int = 1
    hidden: int = 32
    iterations: int = 6
    saving: Png | Jpeg = field(default_factory=Png)


class UpdateNetwork(nn.Module):
    """The recurrent optimiser: a convolutional GRU between an encoder and a head."""

    def __init__(self, data_depth: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.context = nn.Sequential(
            convolution(3 + data_depth, hidden),
            nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True),
            convolution(hidden, hidden),
            nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True),
            convolution(hidden, 2 * hidden),
        )
        self.motion = nn.Sequential(
            convolution(6, hidden), nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True)
        )
        self.gates = convolution(3 * hidden, 2 * hidden)
        self.candidate = convolution(3 * hidden, hidden)
        self.head = nn.Sequential(
            convolution(hidden, hidden),
            nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True),
            convolution(hidden, 3),
        )

    def begin(self, cover: Tensor, bits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first state and the context, (B, hidden, H, W) each.

        Args:
            cover: (B, 3, H, W) in [0, 1].
            bits: (B, D, H, W) of 0 and 1.
        """
        both = self.context(torch.cat((signed(cover), signed(bits)), dim=1))
        state, context = both.split(self.hidden, dim=1)
        return torch.tanh(state), torch.relu(context)

    def forward(
        self, state: Tensor, context: Tensor, gradient: Tensor, change: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the next state and what to add to the picture.

        Args:
            state: (B, hidden, H, W), from the step before.
            context: (B, hidden, H, W), from :meth:`begin`.
            gradient: (B, 3, H, W), of the summed cross-entropy (nats) with respect to the picture
                in [0, 1].
            change: (B, 3, H, W), the picture so far minus the cover.
        """
        motion = torch.cat((gradient * _GRADIENT_SCALE, change * _CHANGE_SCALE), dim=1)
        seen = torch.cat((context, self.motion(motion)), dim=1)
        gates = torch.sigmoid(self.gates(torch.cat((state, seen), dim=1)))
        keep, reset = gates.split(self.hidden, dim=1)
        candidate = torch.tanh(self.candidate(torch.cat((reset * state, seen), dim=1)))
        state = keep * state + (1 - keep) * candidate
        return state, self.head(state) / _CHANGE_SCALE


class LisoNetwork(nn.Module):
    """The optimiser and its message decoder.

    The decoder's batch norms use their stored statistics in training too, so that the optimiser
    sees the decoder that the receiver has.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.decoder = DenseDecoder(design.data_depth, DECODER_HIDDEN)
        self.update = UpdateNetwork(design.data_depth, design.hidden)
        self.train()

    def train(self, mode: bool = True) -> LisoNetwork:
        """Set the mode; in training mode gradients with respect to the weights can be computed."""
        super().train(mode)
        self.decoder.eval()
        return self

    def read(self, stego: Tensor) -> Tensor:
        """Return the logits (B, D, H, W) of ``stego`` (B, 3, H, W) after it is saved."""
        logits: Tensor = self.decoder(saved(stego, self.design.saving))
        return logits.float()

    def steps(
        self, cover: Tensor, bits: Tensor, iterations: int, step_size: float = 1.0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield after each step the stego (B, 3, H, W) in [0, 1] and its logits (B, D, H, W).

        The decoder's gradients are inputs of the optimiser and are not differentiated again.

        Args:
            cover: (B, 3, H, W) in [0, 1].
            bits: (B, D, H, W) of 0 and 1.
            iterations: number of steps.
            step_size: factor on the change of each step; training has 1.
        """
        with torch.set_grad_enabled(self.training):
            state, context = self.update.begin(cover, bits)
        stego = cover.detach().clone().requires_grad_()
        with torch.enable_grad():
            logits = self.read(stego)
        for _ in range(iterations):
            with torch.enable_grad():
                loss = F.binary_cross_entropy_with_logits(logits, bits, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, stego, retain_graph=self.training)
            with torch.set_grad_enabled(self.training):
                state, change = self.update(state, context, gradient, stego - cover)
                stego = (stego + step_size * change.float()).clamp(0, 1)
            stego.requires_grad_()
            with torch.enable_grad():
                logits = self.read(stego)
            yield stego, logits


def saved(stego: Tensor, saving: Png | Jpeg) -> Tensor:
    """Return ``stego`` (B, 3, H, W) after it is saved; the gradient passes unchanged.

    Section 3.4 of the paper does this for JPEG; here it is done for rounding to 8 bits too.
    """
    if isinstance(saving, Jpeg):
        return jpeg_straight_through(stego, saving)
    return round_to_8_bits(stego)


# ------------------------------------------------------------------------------------ files


def save_liso(network: LisoNetwork, path: Path, notes: dict[str, str] | None = None) -> None:
    """Write ``network`` to ``path`` as float32 safetensors, replacing the file in one step.

    Args:
        network: the network to write.
        path: the file to write; its folder must exist.
        notes: further metadata, such as where the weights come from; nothing interprets it.

    Raises:
        OutputError: the file cannot be written.
    """
    design = network.design
    metadata = {
        **(notes or {}),
        "format": FORMAT,
        "data_depth": str(design.data_depth),
        "hidden": str(design.hidden),
        "iterations": str(design.iterations),
        "saving": "png",
    }
    if isinstance(design.saving, Jpeg):
        metadata |= {
            "saving": "jpeg",
            "quality": str(design.saving.quality),
            "subsampling": design.saving.subsampling,
        }
    tensors = {
        name: tensor.float()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    write_safetensors(tensors, metadata, path)


def load_liso(path: Path) -> LisoNetwork:
    """Return the network that :func:`save_liso` wrote, frozen and in evaluation mode.

    Raises:
        WeightsError: the file is missing, is no safetensors file, holds something else, or its
            tensors do not fit the design that it names.
    """
    tensors, metadata = read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise unfit_weights(f"{path} does not hold LISO weights of latentink")
    network = LisoNetwork(_design(path, metadata))
    fill(network, {name: tensor.float() for name, tensor in tensors.items()}, str(path))
    return network


def start_from(network: LisoNetwork, path: Path) -> None:
    """Load weights that training goes on from: LISO's, or a message decoder's for its decoder.

    Raises:
        WeightsError: the file holds neither, or weights of another size.
    """
    _, metadata = read_safetensors(path)
    is_liso = metadata.get("format") == FORMAT
    source: nn.Module = load_liso(path) if is_liso else load_decoder(path)
    target = network if is_liso else network.decoder
    try:
        target.load_state_dict(source.state_dict())
    except RuntimeError:
        raise WeightsError(
            f"Training cannot start from {path.stem}: other sizes; name another file."
        ) from None


def _design(path: Path, metadata: dict[str, str]) -> Design:
    saving: Png | Jpeg
    match metadata.get("saving"):
        case "png":
            saving = Png()
        case "jpeg":
            subsampling = metadata.get("subsampling", "")
            if subsampling not in SUBSAMPLINGS:
                raise unfit_weights(f"{path} says subsampling = {subsampling!r}")
            saving = Jpeg(metadata_number(path, metadata, "quality", 100), subsampling)
        case other:
            raise unfit_weights(f"{path} says saving = {other!r}, not png or jpeg")
    return Design(
        metadata_number(path, metadata, "data_depth", MAX_DATA_DEPTH),
        metadata_number(path, metadata, "hidden", MAX_HIDDEN),
        metadata_number(path, metadata, "iterations", MAX_ITERATIONS),
        saving,
    )
