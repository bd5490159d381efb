"""All figures of one stego: its size, its look, what it delivers, and StegExpose's verdict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from latentink.benchmark.delivery import delivered_bits
from latentink.benchmark.extras import import_ms_ssim
from latentink.codecs.loading import entropy_model_of_file
from latentink.container import unpack
from latentink.critics.lpips import SOURCES, Features, PerceptualLoss
from latentink.methods.method import Method, Stego
from latentink.methods.saving import eight_bits
from latentink.metrics.excess_code_length import mean_excess_bits
from latentink.metrics.raw_bits import raw_accuracy, rsbpp, shannon_bpp
from latentink.picture import picture_psnr_db, to_tensor
from latentink.steganalysis.detector import Evidence
from latentink.steganalysis.stegexpose import StegExpose

SMALLEST_MS_SSIM_SIDE = 161
"""Pixels: five scales with a window of 11 need more than 160."""


@dataclass(frozen=True)
class Origin:
    """Which embedding is measured.

    Attributes:
        dataset: name of the set of photos.
        photo: name of the photo in it.
        seed: of the bits and of the method.
    """

    dataset: str
    photo: str
    seed: int


@dataclass(frozen=True)
class Measurement:
    """Figures of one method on one photo; all are of the file as its receiver has it.

    Attributes:
        method: name.
        dataset: name of the set of photos.
        photo: name of the photo.
        seed: of the bits and of the method.
        psnr_db: of the file's picture against the cover; inf where they are equal.
        ms_ssim: multi-scale structural similarity with the cover, 1 is equal; None below 161
            pixels a side.
        lpips: LPIPS-VGG distance from the cover, 0 is equal; None where its weights are missing.
        bpp: bits of the file per pixel.
        file_bytes: size of the file.
        width: pixels.
        height: pixels.
        density: D, raw bits per pixel.
        accuracy: share of the raw bits that read right; None where a method is simulated, and so
            is everything below that depends on it.
        rsbpp: D·(1 − 2p) (Eq. 7).
        rsbpp_rate: that per bit of the file (Eq. 8).
        shannon_rate: D·(1 − H(p)) per bit of the file.
        payload_bits: longest message that comes back through the error correction, net.
        delivered_rate: that per bit of the file.
        seconds: wall time of embedding.
        stegexpose: StegExpose's fusion of the picture in 8 bits, 0 to 1; above 0.2 it says stego.
        latent_excess: bits by which a symbol of σ ≥ 1 is longer than expected; None unless the
            file is a .lik file.
    """

    method: str
    dataset: str
    photo: str
    seed: int
    psnr_db: float
    ms_ssim: float | None
    lpips: float | None
    bpp: float
    file_bytes: int
    width: int
    height: int
    density: float
    accuracy: float | None
    rsbpp: float | None
    rsbpp_rate: float | None
    shannon_rate: float | None
    payload_bits: int | None
    delivered_rate: float | None
    seconds: float
    stegexpose: float
    latent_excess: float | None


class Lpips:
    """LPIPS-VGG of many pictures; a cover's features, half of the work, serve as long as it stays.

    Attributes:
        network: that it is computed with.
    """

    def __init__(self, network: PerceptualLoss) -> None:
        """Take a network that needs no gradients of its weights."""
        self.network = network
        self._cover: np.ndarray | None = None
        self._features: Features = ()

    @torch.no_grad()
    def distance(self, cover: np.ndarray, picture: np.ndarray) -> float:
        """Return the LPIPS of a picture from a cover; 0 is equal.

        Args:
            cover: (H, W, 3) uint8.
            picture: (H, W, 3) float32 in [0, 1].
        """
        if self._cover is None or not np.array_equal(cover, self._cover):
            self._cover, self._features = cover.copy(), self.network.features(to_tensor(cover))
        return float(self.network.distance(self._features, _batch(picture)))


@dataclass(frozen=True)
class _Reading:
    """What came out of a file."""

    accuracy: float | None = None
    payload_bits: int | None = None


@cache
def load_lpips() -> Lpips | None:
    """Return LPIPS-VGG, loaded once in each process; None where no package brings its weights.

    Raises:
        WeightsError: the weights are there but damaged.
    """
    if not any(source.find() for source in SOURCES):
        return None
    return Lpips(PerceptualLoss().requires_grad_(False))


def measure(
    method: Method,
    cover: np.ndarray,
    bits: np.ndarray,
    stego: Stego,
    seconds: float,
    origin: Origin,
    lpips: Lpips | None,
) -> Measurement:
    """Return the figures of a stego, all taken from the bytes of its file.

    Args:
        method: that made it.
        cover: (H, W, 3) uint8.
        bits: that were embedded, uint8 of 0 and 1.
        stego: only its bytes count.
        seconds: that embedding took.
        origin: which embedding it is.
        lpips: from :func:`load_lpips`.

    Raises:
        PictureError, ContainerError: the method's file cannot be read back.
        MessageNotFoundError: the method finds nothing in it.
    """
    received = method.load(stego.data)
    height, width = cover.shape[:2]
    bpp, density = 8 * len(stego.data) / (height * width), bits.size / (height * width)
    reading = _Reading() if method.simulated else _read(method, received, bits)
    accuracy, payload = reading.accuracy, reading.payload_bits
    rate = None if accuracy is None else rsbpp(accuracy, density)
    return Measurement(
        method=method.name,
        dataset=origin.dataset,
        photo=origin.photo,
        seed=origin.seed,
        psnr_db=picture_psnr_db(cover, received.picture),
        ms_ssim=multi_scale_similarity(cover, received.picture),
        lpips=None if lpips is None else lpips.distance(cover, received.picture),
        bpp=bpp,
        file_bytes=len(stego.data),
        width=width,
        height=height,
        density=density,
        accuracy=accuracy,
        rsbpp=rate,
        rsbpp_rate=None if rate is None else rate / bpp,
        shannon_rate=None if accuracy is None else shannon_bpp(accuracy, density) / bpp,
        payload_bits=payload,
        delivered_rate=None if payload is None else payload / (8 * len(stego.data)),
        seconds=seconds,
        stegexpose=StegExpose().score(Evidence(stego.data, eight_bits(received.picture))),
        latent_excess=_latent_excess(stego.data) if method.suffix == ".lik" else None,
    )


def multi_scale_similarity(cover: np.ndarray, picture: np.ndarray) -> float | None:
    """Return MS-SSIM of two pictures, 0 to 1, the mean over R, G and B.

    Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality assessment",
    Asilomar 2003, Eq. 7, with its five scales and exponents (package pytorch-msssim).

    Args:
        cover: (H, W, 3) uint8.
        picture: (H, W, 3) float32 in [0, 1].

    Returns:
        None where a side is below 161 pixels.
    """
    if min(cover.shape[:2]) < SMALLEST_MS_SSIM_SIDE:
        return None
    with torch.no_grad():
        return float(import_ms_ssim()(to_tensor(cover), _batch(picture), data_range=1.0))


def _read(method: Method, received: Stego, bits: np.ndarray) -> _Reading:
    soft = method.extract(received)
    accuracy = raw_accuracy(soft, bits)
    if method.corrected:
        return _Reading(accuracy, bits.size if accuracy == 1 else 0)
    return _Reading(accuracy, delivered_bits(soft, bits))


def _latent_excess(data: bytes) -> float | None:
    file = unpack(data)
    return mean_excess_bits(entropy_model_of_file(file.codec_number, file.fingerprint), data)


def _batch(picture: np.ndarray) -> Tensor:
    """Return (H, W, 3) float32 as (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
