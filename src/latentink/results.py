"""Options, reports and results of :mod:`latentink.steganography`, as plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentink.defaults import (
    DEFAULT_CHANNEL,
    DEFAULT_CODEC,
    DEFAULT_DEVICE,
    DEFAULT_PROFILE,
    DEFAULT_QUALITY,
)
from latentink.picture_formats import PictureFormat, SavedAs

if TYPE_CHECKING:
    from latentink.editing.presets import Preset

STARTS = ("cover", "encoder")

SECURITY = {
    "exact": "no detector can tell the file from one without a message",
    "measured": "more than is hidden by proof; good detectors find some such files",
    "found": "good detectors find that there is a message, though nobody reads it",
    "public": "without a password anybody can find and read it",
}
"""How well a message is hidden."""


@dataclass(frozen=True)
class HideOptions:
    """How to hide. The defaults suit a user who gives no options.

    Attributes:
        codec: name of the codec (codecs/registry.py).
        weights: weights file of the codec; None uses the bundled one.
        quality: 1 (small file) to 8 (good picture), any number between.
        channel: where the message lives (channels/registry.py): ``"latents"``, the symbols of the
            file, or ``"pixels"`` of the decoded picture, which a lossless copy of the picture
            delivers too, and which detectors find.
        exact: refuse a message that the photo does not hide by proof.
        preset: name of the pixels channel's preset, or a preset of your own; None takes the
            default.
        decoder: message decoder instead of the preset's.
        start: ``"cover"``, or ``"encoder"``: the editor starts from the picture that the message
            decoder's own encoder paints, as in the paper's Figure 1.
        evade: file of a detector (``latentink train detector``) that must not find the stego; in
            the pixels channel only.
        steps: length of the editor's schedule; None takes the preset's. In the latents channel,
            steps of a refinement of all symbols; None refines nothing.
        seconds: time limit of the editor's schedule; None sets none.
        seed: of everything random; the same inputs and seed give the same bytes on the same
            device. None takes randomness of the operating system, as a message should that must not
            be found.
        device: where the editor computes: a key of :data:`latentink.devices.DEVICES`.
        sample_psnr: where the message is hidden by proof in a photo above 4 megapixels, measure the
            PSNR on windows of the picture, which need not be decoded as a whole then.
    """

    codec: str = DEFAULT_CODEC
    weights: Path | None = None
    quality: float = DEFAULT_QUALITY
    channel: str = DEFAULT_CHANNEL
    exact: bool = False
    preset: str | Preset | None = None
    decoder: str | None = None
    start: str = "cover"
    evade: Path | None = None
    steps: int | None = None
    seconds: float | None = None
    seed: int | None = None
    device: str = DEFAULT_DEVICE
    sample_psnr: bool = False


@dataclass(frozen=True)
class CompressReport:
    """Figures of a compressed photo.

    Attributes:
        file_bytes: size of the .lik file.
        bpp: bits of the file per pixel.
        psnr_db: of the decoded 8-bit picture against the cover.
        psnr_share: share of the picture that this was measured on, 1 unless a sample was asked for.
        height: pixels.
        width: pixels.
        quality: as given.
        codec: name.
        seconds: wall time.
    """

    file_bytes: int
    bpp: float
    psnr_db: float
    psnr_share: float
    height: int
    width: int
    quality: float
    codec: str
    seconds: float


@dataclass(frozen=True)
class HideReport(CompressReport):
    """Figures of a hidden message.

    Attributes:
        payload_bytes: length of the message.
        payload_bpp: message bits per pixel of the photo.
        delivered_rate: message bits per bit of the file.
        raw_accuracy: share of raw bits that the receiver reads right before error correction.
        raw_bits: raw bits that carry, the preamble included.
        density: raw bits per pixel of the photo.
        steps: of the editor.
        plain_file_bytes: size of the same photo's file at the same quality without a message.
        plain_psnr_db: PSNR of that file's picture; None where the message is hidden by proof: then
            the picture is as good as without one but for the coins, and making both takes time.
        decoder: message decoder; ``"symbols"`` in the latents channel.
        security: how well the message is hidden, a key of :data:`SECURITY`.
        preset: of the editor.
        password_used: False means the public key: anybody with latentink can read the message.
    """

    payload_bytes: int
    payload_bpp: float
    delivered_rate: float
    raw_accuracy: float
    raw_bits: int
    density: float
    steps: int
    plain_file_bytes: int
    plain_psnr_db: float | None
    decoder: str
    security: str
    preset: str
    password_used: bool

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class CompressResult:
    """A compressed photo.

    Attributes:
        data: the bytes of the .lik file.
        decode: gives :attr:`picture`.
        report: figures.
    """

    data: bytes = field(repr=False)
    decode: Callable[[], np.ndarray] = field(repr=False)
    report: CompressReport

    @cached_property
    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8, what the file decodes to."""
        return self.decode()


@dataclass(frozen=True)
class StegoResult:
    """A finished stego whose message has been read back.

    Attributes:
        data: the bytes of the .lik file.
        decode: gives :attr:`picture`.
        report: figures.
    """

    data: bytes = field(repr=False)
    decode: Callable[[], np.ndarray] = field(repr=False)
    report: HideReport

    @cached_property
    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8, what the receiver decodes."""
        return self.decode()


@dataclass(frozen=True)
class Capacity:
    """What a photo can carry.

    Attributes:
        message_bytes: bytes (after compression) that it carries at acceptable quality.
        limit_bytes: bytes beyond which nothing fits, because all positions are used.
        limit_at_any_quality: whether that limit holds at every quality, or only at this one.
        height: pixels.
        width: pixels.
        quality: as given.
        plain_file_bytes: size of the .lik file without a message.
        exact_bytes: bytes (after compression) that it hides so that no detector can tell.
    """

    message_bytes: int
    limit_bytes: int
    limit_at_any_quality: bool
    height: int
    width: int
    quality: float
    plain_file_bytes: int
    exact_bytes: int


@dataclass(frozen=True)
class PictureOptions:
    """How to hide in an ordinary picture that will be re-encoded or rescaled on its way.

    Attributes:
        survive: what the message survives: a profile (attacks/profiles.py).
        saved_as: format of the file: a PictureFormat, or a LikFormat.
        seed: of everything random; the same inputs and seed give the same bytes. None takes
            randomness of the operating system.
    """

    survive: str = DEFAULT_PROFILE
    saved_as: SavedAs = field(default_factory=lambda: PictureFormat("PNG"))
    seed: int | None = None


@dataclass(frozen=True)
class PictureReport:
    """Figures of a message in an ordinary picture.

    Attributes:
        file_bytes: size of the file.
        psnr_db: of the picture in the file against the photo.
        plain_psnr_db: of the same file without a message; infinite where saving loses nothing.
        height: pixels.
        width: pixels.
        payload_bytes: length of the message.
        raw_bits: that carry, the preamble included.
        step: distance of the lattices' points, grey levels: how strong the message is.
        survive: the profile.
        survived: names of the attacks after which the message was read.
        security: a key of :data:`SECURITY`.
        password_used: False means the public key: anybody with latentink can read the message.
        seconds: wall time.
    """

    file_bytes: int
    psnr_db: float
    plain_psnr_db: float
    height: int
    width: int
    payload_bytes: int
    raw_bits: int
    step: float
    survive: str
    survived: tuple[str, ...]
    security: str
    password_used: bool
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class PictureResult:
    """A finished file whose message has been read back after each attack.

    Attributes:
        data: the bytes of the file.
        picture: (H, W, 3) uint8, what a reader sees.
        report: figures.
    """

    data: bytes = field(repr=False)
    picture: np.ndarray = field(repr=False)
    report: PictureReport
