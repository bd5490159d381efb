"""HiFiC's discriminator: it says, patch by patch, whether a picture looks like a photo.

::

    v̂·g' (B, M, h, w) ──conv 3×3──► 12 ──nearest ×16──► crop to H × W ──┐
                                                                        ├──► 15 channels
    picture (B, 3, H, W) ───────────────────────────────────────────────┘        │
         logits (B, 1, H/16, W/16) ◄──conv 1×1── 8W ◄── 4W ◄── 2W ◄── W ◄── conv 4×4, stride 2

Mentzer et al., "High-Fidelity Generative Image Compression", NeurIPS 2020, section 3.2; W is 64
there. A LeakyReLU with slope 0.2 follows each convolution but the last. The latent is v̂ times the
inverse gain, which is what g_s gets, so that its scale is the same at all qualities. Training
normalises the four 4×4 kernels spectrally (training/discriminator.py). The weights files have the
normalised kernels, so that the network here consists of plain convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentink.bundled import bundled
from latentink.errors import WeightsError, unfit_weights
from latentink.tensor_files import fill, metadata_number, read_safetensors, write_safetensors

FORMAT = "latentink discriminator 1"
_PREFIX = "discriminator_"
LATENT_STRIDE = 16
CONDITION_CHANNELS = 12
SLOPE = 0.2
MAX_WIDTH = 256
MAX_LATENT_CHANNELS = 1024


class Discriminator(nn.Module):
    """The network above.

    Attributes:
        latent_channels: M.
        width: W, channels after the first 4×4 convolution.
        condition: The convolution of the latent.
        trunk: Everything after the concatenation.

    Example:
        >>> network = Discriminator(latent_channels=8, width=4)
        >>> network(torch.rand(1, 3, 40, 64), torch.zeros(1, 8, 3, 4)).shape
        torch.Size([1, 1, 2, 4])
    """

    def __init__(self, latent_channels: int, width: int) -> None:
        super().__init__()
        self.latent_channels, self.width = latent_channels, width
        self.condition = nn.Conv2d(latent_channels, CONDITION_CHANNELS, 3, padding=1)
        layers: list[nn.Module] = []
        channels = 3 + CONDITION_CHANNELS
        for factor in (1, 2, 4, 8):
            layers += [nn.Conv2d(channels, factor * width, 4, 2, padding=1), nn.LeakyReLU(SLOPE)]
            channels = factor * width
        self.trunk = nn.Sequential(*layers, nn.Conv2d(channels, 1, 1))

    def forward(self, picture: Tensor, latent: Tensor) -> Tensor:
        """Return a logit for each patch, (B, 1, ⌊H/16⌋, ⌊W/16⌋); positive means photo.

        Args:
            picture: (B, 3, H, W) in [0, 1], H and W at least 16.
            latent: v̂ times the inverse gain, (B, M, ⌈H/16⌉, ⌈W/16⌉), of the same part of the photo.
        """
        hint = functional.leaky_relu(self.condition(latent), SLOPE)
        hint = functional.interpolate(hint, scale_factor=LATENT_STRIDE, mode="nearest")
        hint = hint[..., : picture.shape[-2], : picture.shape[-1]]
        return self.trunk(torch.cat([2 * picture - 1, hint], dim=1))


def save_discriminator(
    tensors: Mapping[str, Tensor], path: Path, codec: str, notes: Mapping[str, str]
) -> None:
    """Write a discriminator's weights file (safetensors, float16), in one step.

    Args:
        tensors: The parameters of a :class:`Discriminator`, by name.
        path: The file, in a folder that exists.
        codec: Name of the codec whose latents it was trained with.
        notes: Further metadata, on how the weights were made, and ``codec_fingerprint``: that of
            the codec's weights, in hexadecimal digits.

    Raises:
        OutputError: The file cannot be written.
    """
    metadata = {
        **notes,
        "format": FORMAT,
        "codec": codec,
        "latent_channels": str(tensors["condition.weight"].shape[1]),
        "width": str(tensors["trunk.0.weight"].shape[0]),
    }
    write_safetensors({name: tensor.half() for name, tensor in tensors.items()}, metadata, path)


def read_discriminator(path: Path) -> tuple[Discriminator, dict[str, str]]:
    """Return the discriminator in a weights file and the file's metadata.

    It is in float32, frozen and in evaluation mode.

    Raises:
        WeightsError: The file is missing, is not safetensors or no discriminator's, or its tensors
            do not have the sizes that its metadata say.
    """
    tensors, metadata = read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise unfit_weights(f"{path} holds something else than a discriminator of latentink")
    network = Discriminator(
        metadata_number(path, metadata, "latent_channels", MAX_LATENT_CHANNELS),
        metadata_number(path, metadata, "width", MAX_WIDTH),
    )
    fill(network, {name: tensor.float() for name, tensor in tensors.items()}, str(path))
    return network, metadata


def load_discriminator(codec_name: str, fingerprint: bytes) -> Discriminator:
    """Return the bundled discriminator of a codec's bundled weights.

    Its file is ``discriminator_<codec>.safetensors``. Other weights of the same codec have other
    latents, with which the discriminator was not trained. It is in float32, frozen and in
    evaluation mode.

    Args:
        codec_name: Name of the codec.
        fingerprint: Of the codec's weights, ``EntropyModel.fingerprint``.

    Raises:
        WeightsError: There is no discriminator for this codec or these weights, or its file is
            damaged.
    """
    path = bundled(_PREFIX + codec_name)
    if not path.exists():
        there = sorted(path.parent.glob(f"{_PREFIX}*.safetensors"))
        known = ", ".join(other.stem.removeprefix(_PREFIX) for other in there) or "none"
        raise WeightsError(
            f"There is no discriminator for the codec {codec_name!r}; only {known}; "
            "take another codec or preset."
        )
    network, metadata = read_discriminator(path)
    if metadata.get("codec") != codec_name:
        raise WeightsError(
            f"{path} holds a discriminator for {metadata.get('codec', '')!r}, not for "
            f"{codec_name}; install latentink again."
        )
    if metadata.get("codec_fingerprint") != fingerprint.hex():
        raise WeightsError(
            "The adversarial term needs a discriminator that was trained with the codec's weights; "
            f"there is none for {fingerprint.hex()}. Use the bundled weights, or another preset."
        )
    return network
