"""LPIPS-VGG, L_perc of Eq. 1: how different two pictures are in the features of VGG-16.

Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a
Perceptual Metric", CVPR 2018, section 3 and Eq. 1 there (version 0.1 of their weights).

```
 picture ──► scale ──► block 1 ──► block 2 ──► block 3 ──► block 4 ──► block 5      VGG-16
                          │           │           │           │           │
                          └───────────┴─── unit length along channels ────┘  = features

 distance = Σ over blocks, mean over positions, of  Σ over channels  head · (cover − stego)²
```

latentink neither brings nor downloads the weights. It reads them from the first of :data:`SOURCES`
whose package is installed. ST-LPIPS (Ghildyal and Liu, "Shift-tolerant Perceptual Similarity
Metric", ECCV 2022) is LPIPS with a VGG-16 that was trained to tolerate shifts by a pixel: its pools
move by one pixel, and a binomial blur then keeps each second position.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from latentink.errors import WeightsError
from latentink.tensor_files import fill, read_checkpoint, state_dict_of

Features = tuple[Tensor, ...]
"""Features of a picture: for each block (h·w, C), of length 1 or 0 along C, float32 or float64."""

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Output channels of VGG-16's convolutions, block by block."""

SMALLEST_SIDE = 32
"""Pixels; a smaller picture's border is repeated, because the last pools need a few positions."""

# Mean and deviation of ImageNet's colours, for pictures in [-1, 1] (LPIPS 0.1).
_MEAN = (-0.030, -0.088, -0.188)
_DEVIATION = (0.458, 0.448, 0.450)
# Features of a smaller squared length count as 0; LPIPS adds 1e-10 to the length instead.
_SMALLEST_SQUARE = 1e-20
# 1 MiB of float32, so that a few such tensors fit into a core's cache.
_ELEMENTS_AT_A_TIME = 1 << 18


def max_pool(x: Tensor) -> Tensor:
    """Return VGG-16's pool of ``x`` (B, C, H, W): (B, C, ⌊H/2⌋, ⌊W/2⌋)."""
    return F.max_pool2d(x, kernel_size=2)


def blurred_max_pool(x: Tensor) -> Tensor:
    """Return ST-LPIPS's pool of ``x`` (B, C, H, W): (B, C, ⌊H/2⌋ + 1, ⌊W/2⌋ + 1).

    It takes the maximum of each 2×2 square, reflects two positions on each side, and keeps each
    second position of a blur by (1, 2, 1)/4 along both sides. H, W ≥ 4.
    """
    channels = x.shape[1]
    dense = F.pad(F.max_pool2d(x, kernel_size=2, stride=1), (2, 2, 2, 2), mode="reflect")
    taps = dense.new_tensor((0.25, 0.5, 0.25))
    kernel = (taps[:, None] * taps).expand(channels, 1, 3, 3)
    return F.conv2d(dense, kernel, stride=2, groups=channels)


@dataclass(frozen=True)
class Source:
    """A package that has the weights of VGG-16 and of the heads.

    Attributes:
        name: What reports call the loss.
        package: The Python package, as pip knows it.
        find: Returns the weights files; none, unless all of them exist.
        convolutions: What the files call VGG-16's convolutions, from first to last.
        pool: What lies between the blocks.
    """

    name: str
    package: str
    find: Callable[[], tuple[Path, ...]]
    convolutions: tuple[str, ...]
    pool: Callable[[Tensor], Tensor]

    def read(self, files: tuple[Path, ...]) -> dict[str, Tensor]:
        """Return the tensors in ``files`` under the names of :class:`PerceptualLoss`.

        Raises:
            WeightsError: A file is damaged.
        """
        found: dict[str, Tensor] = {}
        for file in files:
            found |= state_dict_of(read_checkpoint(file), str(file))
        names = {
            f"convolutions.{i}.{part}": f"{theirs}.{part}"
            for i, theirs in enumerate(self.convolutions)
            for part in ("weight", "bias")
        }
        tensors = {ours: found[theirs] for ours, theirs in names.items() if theirs in found}
        for i in range(len(BLOCKS)):
            if (head := found.get(f"lin{i}.model.1.weight")) is not None:
                tensors[f"heads.{i}"] = head.flatten()
        return tensors


def _package_folder(package: str) -> Path | None:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _find_lpips() -> tuple[Path, ...]:
    """Return VGG-16 from torch hub's cache and the heads from the package ``lpips``."""
    folder = _package_folder("lpips")
    if folder is None:
        return ()
    trunk = Path(torch.hub.get_dir()) / "checkpoints" / "vgg16-397923af.pth"
    heads = folder / "weights" / "v0.1" / "vgg.pth"
    return (trunk, heads) if trunk.is_file() and heads.is_file() else ()


def _find_stlpips() -> tuple[Path, ...]:
    """Return the file of the package ``stlpips-pytorch``, which has VGG-16 and the heads."""
    folder = _package_folder("stlpips_pytorch")
    if folder is None:
        return ()
    whole = folder / "weights" / "vST0.0" / "vgg_shift_tolerant.pth"
    return (whole,) if whole.is_file() else ()


LPIPS = Source(
    name="LPIPS-VGG",
    package="lpips",
    find=_find_lpips,
    convolutions=tuple(f"features.{i}" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)),
    pool=max_pool,
)
ST_LPIPS = Source(
    name="ST-LPIPS-VGG",
    package="stlpips-pytorch",
    find=_find_stlpips,
    convolutions=tuple(
        f"net.slice{block}.{i}"
        for block, layers in enumerate(
            ((0, 2), (6, 8), (12, 14, 16), (20, 22, 24), (28, 30, 32)), start=1
        )
        for i in layers
    ),
    pool=blurred_max_pool,
)
SOURCES = (LPIPS, ST_LPIPS)


def inverse_length(x: Tensor) -> Tensor:
    """Return 1 / length of ``x`` (..., C) along C, as (..., 1); 0 where the length is 0.

    LPIPS divides by the length plus 1e-10 instead, whose gradient at length 0 is not a number.
    """
    square = x.square().sum(dim=-1, keepdim=True)
    return square.clamp_min(_SMALLEST_SQUARE).rsqrt().masked_fill(square <= _SMALLEST_SQUARE, 0)


def positions_first(block: Tensor) -> Tensor:
    """Return ``block`` (B, C, H, W) as (B·H·W, C), without a copy if it is in channels_last."""
    return block.permute(0, 2, 3, 1).flatten(0, 2)


def at_least_float32(x: Tensor) -> Tensor:
    """Return ``x`` in float32, or in float64 if it is float64."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class _BlockDistance(torch.autograd.Function):
    """A block's term of the distance and its gradient, computed for a few positions at a time.

    With n the stego's features of unit length, r the inverse of their length v, and δ = n − cover:

        D = Σ w·δ²,    dD/dv = 2r·(wδ − n·⟨n, wδ⟩),

    summed over channels at each position. Autograd would pass a dozen times over tensors of up to
    64 channels at each pixel, which takes as long as the network itself; a few positions at a time
    fit into the cache.
    """

    @staticmethod
    def forward(ctx: Any, cover: Tensor, stego: Tensor, head: Tensor) -> Tensor:
        """Return the mean over positions of D (scalar, dtype of ``cover``).

        Args:
            ctx: Keeps the gradient for :meth:`backward`.
            cover: (B·H·W, C) of unit length.
            stego: (B·H·W, C), not normalised.
            head: (C,), weights w ≥ 0.
        """
        count = max(1, _ELEMENTS_AT_A_TIME // stego.shape[1])
        gradient = torch.empty_like(stego)
        total = cover.new_zeros(())
        for slope, mine, theirs in zip(
            gradient.split(count), cover.split(count), stego.split(count), strict=True
        ):
            wide = at_least_float32(theirs)
            inverse = inverse_length(wide)
            unit = wide * inverse
            difference = unit - mine
            weighted = difference * head
            total += (weighted * difference).sum()
            along = (weighted * unit).sum(dim=1, keepdim=True)
            slope.copy_((weighted - unit * along) * (2 * inverse))
        ctx.save_for_backward(gradient)
        return total / len(stego)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[None, Tensor, None]:
        """Return the gradient with respect to ``stego``; the other arguments have none."""
        (gradient,) = ctx.saved_tensors
        return None, gradient * (grad_output / len(gradient)).to(gradient.dtype), None


class PerceptualLoss(nn.Module):
    """LPIPS-VGG with frozen weights, between one cover and many stegos.

    It computes in float32 or float64. Under autocast the convolutions compute in bfloat16, features
    and distance in float32.

    Attributes:
        name: ``"LPIPS-VGG"`` or ``"ST-LPIPS-VGG"``.
        source: The package that the weights come from, ``"lpips"`` or ``"stlpips-pytorch"``.

    Example:
        >>> loss = PerceptualLoss()
        >>> cover = torch.rand(1, 3, 48, 64)
        >>> features = loss.features(cover)  # once for all stegos
        >>> float(loss.distance(features, cover))
        0.0
        >>> bool(loss.distance(features, 0 * cover) > 0.1)
        True
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        """Load the weights from the first of :data:`SOURCES` that is installed.

        Raises:
            WeightsError: None of them is installed, or the files are damaged.
        """
        super().__init__()
        source, files = _first_installed()
        self.name = source.name
        self.source = source.package
        self.pool = source.pool
        channels = (3, *(channel for block in BLOCKS for channel in block))
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=3, padding=1)
            for before, after in itertools.pairwise(channels)
        )
        self.heads = nn.ParameterList(torch.zeros(block[-1]) for block in BLOCKS)
        for name, values in (("mean", _MEAN), ("deviation", _DEVIATION)):
            self.register_buffer(name, torch.tensor(values)[None, :, None, None])
        fill(self, source.read(files), f"The package {source.package}")
        self.to(memory_format=torch.channels_last)

    @torch.no_grad()
    def features(self, cover: Tensor) -> Features:
        """Return the features of ``cover`` (1, 3, H, W) in [0, 1], without a gradient."""
        blocks = [at_least_float32(positions_first(block)) for block in self._blocks(cover)]
        return tuple(block * inverse_length(block) for block in blocks)

    def distance(self, cover_features: Features, stego: Tensor) -> Tensor:
        """Return LPIPS between the cover and ``stego`` (scalar ≥ 0), differentiable in ``stego``.

        It is a mean over positions and does not grow with the picture. ST-LPIPS between Kodak
        photos and their JPEG is about 0.05 at quality 75 and 0.2 at quality 20, and about 0.8
        between two different photos.

        Args:
            cover_features: What :meth:`features` returns for a cover of the same size.
            stego: (1, 3, H, W) in [0, 1]; values outside of it are not clipped.
        """
        terms = [
            _BlockDistance.apply(mine, positions_first(theirs), head)
            for mine, theirs, head in zip(
                cover_features, self._blocks(stego), self.heads, strict=True
            )
        ]
        return torch.stack(terms).sum()

    def forward(self, cover: Tensor, stego: Tensor) -> Tensor:
        """Return LPIPS between ``cover`` and ``stego``, both (1, 3, H, W) in [0, 1]."""
        return self.distance(self.features(cover), stego)

    def _blocks(self, picture: Tensor) -> list[Tensor]:
        """Return the output of each block for ``picture`` (1, 3, H, W) in [0, 1]."""
        missing = [max(0, SMALLEST_SIDE - side) for side in picture.shape[-2:]]
        if any(missing):
            picture = F.pad(picture, (0, missing[1], 0, missing[0]), mode="replicate")
        x = (picture * 2 - 1 - self.mean) / self.deviation
        x = x.contiguous(memory_format=torch.channels_last)
        outputs: list[Tensor] = []
        convolutions = iter(self.convolutions)
        for block in BLOCKS:
            if outputs:
                x = self.pool(x)
            for _ in block:
                x = F.relu(next(convolutions)(x), inplace=True)
            outputs.append(x)
        return outputs


def _first_installed() -> tuple[Source, tuple[Path, ...]]:
    for source in SOURCES:
        if files := source.find():
            return source, files
    raise WeightsError(
        f"The perceptual loss needs the package {ST_LPIPS.package}: install it with "
        f"'pip install {ST_LPIPS.package}'."
    )
