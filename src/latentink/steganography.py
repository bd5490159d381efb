"""hide() and reveal(), compress() and decompress(), from top to bottom.

::

    photo ─ g_a ─► y ─ edit ─► symbols ─ rANS ─► .lik ─ g_s ─► 8-bit picture ─ decoder ─► message
                        ▲
     message ─ seal ─ error correction ─ placement
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latentink.channels.carrier import payload_positions, preamble_positions
from latentink.channels.message_decoder import MessageDecoder
from latentink.channels.periodic import suited_period
from latentink.channels.pixels import read_logits
from latentink.channels.plan import Plan, largest_message, plan_message
from latentink.channels.reading import message_of, read_soft_bits
from latentink.channels.registry import load_message_decoder
from latentink.codecs.codec import Latents
from latentink.codecs.registry import LoadedCodec, codec_of_file, load_codec
from latentink.container import MAGIC, LikFile, digest_symbols, pack, unpack
from latentink.editing.editor import EditTask, Progress, edit
from latentink.editing.presets import Preset, preset_named
from latentink.errors import (
    CapacityError,
    ContainerError,
    MessageNotFoundError,
    OptionError,
    PictureError,
)
from latentink.metrics.distortion import psnr_db
from latentink.payload.frame import frame_bits, max_message_bytes
from latentink.payload.keys import Keys, derive_keys
from latentink.payload.preamble import Preamble, encode_preamble
from latentink.payload.sealing import MAX_MESSAGE_BYTES, SALT_BYTES, seal
from latentink.picture import (
    MAXIMUM_PIXELS,
    MINIMUM_SIDE,
    decode_picture,
    encode_png,
    read_file,
    read_picture,
    to_picture,
    to_tensor,
)
from latentink.verification import CandidateCheck

CHANNELS = ("pixels",)
READERS = ("periodic", "periodic64", "dense", "robust", "keyed")
"""Message decoders that a receiver tries, in this order, when not told which."""

DEFAULT_QUALITY = 5.0
# Share of the plain file's bits that a photo's message may have; see docs/method.md.
_CAPACITY_SHARE = 0.05
_PLANNED_ACCURACY = 0.93


@dataclass(frozen=True)
class HideOptions:
    """How to hide; the defaults are what a user wants who says nothing.

    Attributes:
        codec: name of the codec, ``"hyperprior"`` or ``"elic"``.
        weights: a weights file of the codec instead of the loaded one.
        quality: 1 (small file) to 8 (good picture), any number between.
        channel: where the bits live; ``"pixels"``.
        preset: name of the editor's preset.
        decoder: message decoder instead of the preset's.
        steps: length of the editor's schedule instead of the preset's.
        seconds: budget of the editor's schedule.
        seed: of everything random; the same inputs and seed give the same bytes.
    """

    codec: str = "hyperprior"
    weights: Path | None = None
    quality: float = DEFAULT_QUALITY
    channel: str = "pixels"
    preset: str = "balanced"
    decoder: str | None = None
    steps: int | None = None
    seconds: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class CompressReport:
    """Figures of a compressed photo.

    Attributes:
        file_bytes: size of the .lik file.
        bpp: bits of the file per pixel.
        psnr_db: of the decoded 8-bit picture against the cover.
        height: pixels.
        width: pixels.
        quality: as given.
        codec: name.
        seconds: wall time.
    """

    file_bytes: int
    bpp: float
    psnr_db: float
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
        plain_file_bytes: the same photo at the same quality without a message.
        plain_psnr_db: its PSNR.
        decoder: message decoder.
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
    plain_psnr_db: float
    decoder: str
    preset: str
    password_used: bool

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class StegoResult:
    """A finished, verified stego.

    Attributes:
        data: the bytes of the .lik file.
        picture: (H, W, 3) uint8, what the receiver decodes.
        report: figures.
    """

    data: bytes = field(repr=False)
    picture: np.ndarray = field(repr=False)
    report: HideReport


@dataclass(frozen=True)
class CompressResult:
    """A compressed photo: the bytes of the .lik file, the decoded picture and figures."""

    data: bytes = field(repr=False)
    picture: np.ndarray = field(repr=False)
    report: CompressReport


@dataclass(frozen=True)
class Capacity:
    """What a photo can carry.

    Attributes:
        message_bytes: bytes (after compression) that it should carry at acceptable quality.
        limit_bytes: bytes beyond which no setting helps: all positions used.
        height: pixels.
        width: pixels.
        quality: as given.
        plain_file_bytes: size of the .lik file without a message.
    """

    message_bytes: int
    limit_bytes: int
    height: int
    width: int
    quality: float
    plain_file_bytes: int


@dataclass(frozen=True)
class _Plain:
    """A photo compressed without a message, and what the editor starts from."""

    cover: Tensor
    v: Tensor
    side: Tensor
    latents: Latents


# --- the sender -----------------------------------------------------------------------------------


def hide(
    image: np.ndarray | Path | str,
    message: bytes,
    *,
    password: str | None = None,
    options: HideOptions | None = None,
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> StegoResult:
    """Compress a photo so that it carries ``message``, and verify that the message comes back.

    Args:
        image: the cover: (H, W, 3) uint8, or a path to a picture file.
        message: any bytes, also none.
        password: None uses the public key, under which anybody can read the message.
        options: codec, quality, preset and the like.
        on_step: called after each step of the editor.

    Raises:
        PictureError: the cover is not usable.
        OptionError: an option or the password is not usable.
        CapacityError: the photo cannot carry the message; the sentence says how much it can.
    """
    started = time.monotonic()
    options = options or HideOptions()
    preset = _check_options(options, message)
    cover = _as_picture(image)
    keys = derive_keys(password)
    codec = load_codec(options.codec, options.weights)
    quality = codec.codec.quality_code(options.quality)
    sealed = seal(message, keys, _salt(keys, options.seed, message, cover))
    plain = _analyse(codec, cover, quality)
    plain_bytes = len(_pack(codec, plain.latents, cover))
    plain_picture = to_picture(codec.codec.synthesise(plain.latents.values, quality, _size(cover)))
    plain_psnr = psnr_db(cover, plain_picture)
    decoder = load_message_decoder(
        options.decoder or suited_period(preset.decoder, plain_psnr), keys.master
    )
    plan = plan_message(len(sealed), _size(cover), decoder, keys, preset.spread)
    wanted = _wanted_bits(plan, sealed, keys)
    task = EditTask(
        cover=plain.cover,
        v=plain.v,
        z=plain.latents.z,
        side=plain.side,
        quality=quality,
        lagrangian=codec.codec.lagrangian(quality),
        decoder=decoder,
        window=plan.carrier.window,
        wanted=wanted,
        information=plan.information,
    )
    check = CandidateCheck(codec.codec, decoder, plan, sealed, keys, plain_picture, quality)
    edited = edit(
        codec.codec,
        task,
        preset,
        seed=options.seed,
        steps=options.steps or preset.steps,
        seconds=options.seconds,
        read=check,
        on_step=on_step,
    )
    if edited is None:
        raise _too_much(message, max_message_bytes(plan.raw_bits, check.best_accuracy))
    data = _pack(codec, edited.latents, cover)
    picture = decompress(data, weights=options.weights)
    psnr = psnr_db(cover, picture)
    if plain_psnr - psnr > preset.psnr_loss_limit:
        share = preset.psnr_loss_limit / (plain_psnr - psnr)
        raise _too_much(message, int(share * len(message)))
    names = READERS if decoder.name in READERS else (decoder.name,)
    _verify(picture, message, keys, names)
    carrying = wanted != 0
    right = ((_logits(decoder, picture, plan) > 0) == (wanted > 0))[carrying]
    raw_bits, pixels = int(carrying.sum()), cover.shape[0] * cover.shape[1]
    return StegoResult(
        data,
        picture,
        HideReport(
            file_bytes=len(data),
            bpp=8 * len(data) / pixels,
            psnr_db=psnr,
            height=cover.shape[0],
            width=cover.shape[1],
            quality=options.quality,
            codec=codec.name,
            seconds=time.monotonic() - started,
            payload_bytes=len(message),
            payload_bpp=8 * len(message) / pixels,
            delivered_rate=len(message) / len(data),
            raw_accuracy=float(right.float().mean()),
            raw_bits=raw_bits,
            density=raw_bits / pixels,
            steps=edited.steps,
            plain_file_bytes=plain_bytes,
            plain_psnr_db=plain_psnr,
            decoder=decoder.name,
            preset=preset.name,
            password_used=password is not None,
        ),
    )


def compress(
    image: np.ndarray | Path | str,
    *,
    codec: str = "hyperprior",
    weights: Path | None = None,
    quality: float = DEFAULT_QUALITY,
) -> CompressResult:
    """Compress a photo without a message.

    Raises:
        PictureError: the photo is not usable.
        OptionError: the quality is out of range.
        WeightsError: no codec of that name.
    """
    started = time.monotonic()
    cover = _as_picture(image)
    loaded = load_codec(codec, weights)
    plain = _analyse(loaded, cover, loaded.codec.quality_code(quality))
    data = _pack(loaded, plain.latents, cover)
    picture = decompress(data, weights=weights)
    report = CompressReport(
        file_bytes=len(data),
        bpp=8 * len(data) / (cover.shape[0] * cover.shape[1]),
        psnr_db=psnr_db(cover, picture),
        height=cover.shape[0],
        width=cover.shape[1],
        quality=quality,
        codec=loaded.name,
        seconds=time.monotonic() - started,
    )
    return CompressResult(data, picture, report)


def capacity(
    image: np.ndarray | Path | str,
    *,
    codec: str = "hyperprior",
    weights: Path | None = None,
    quality: float = DEFAULT_QUALITY,
    preset: str = "balanced",
) -> Capacity:
    """Estimate how long a message a photo carries; ``hide`` is the proof.

    The estimate is a share of what the plain file spends on the photo, because a photo that costs
    few bits offers few symbols to edit; the share was measured (docs/method.md).
    """
    cover = _as_picture(image)
    loaded = load_codec(codec, weights)
    plain = _analyse(loaded, cover, loaded.codec.quality_code(quality))
    plain_bytes = len(_pack(loaded, plain.latents, cover))
    keys = derive_keys(None)
    decoder = load_message_decoder(preset_named(preset).decoder, keys.master)
    limit = largest_message(_size(cover), decoder, keys, _PLANNED_ACCURACY)
    return Capacity(
        message_bytes=max(0, min(limit, int(_CAPACITY_SHARE * plain_bytes))),
        limit_bytes=limit,
        height=cover.shape[0],
        width=cover.shape[1],
        quality=quality,
        plain_file_bytes=plain_bytes,
    )


# --- the receiver ---------------------------------------------------------------------------------


def reveal(
    stego: bytes | np.ndarray | Path | str,
    *,
    password: str | None = None,
    decoder: str | None = None,
    weights: Path | None = None,
) -> bytes:
    """Return the message in a .lik file or in its decoded picture.

    Args:
        stego: bytes or path of a .lik file or of a losslessly saved picture, or (H, W, 3) uint8.
        password: the sender's; None if the sender gave none.
        decoder: message decoder; only one from a file of the sender's needs to be named.
        weights: see :func:`decompress`.

    Raises:
        MessageNotFoundError: wrong password, or there is no message.
        ContainerError: the .lik file is damaged.
        PictureError: the file is neither a .lik file nor a picture.
    """
    names = READERS if decoder is None else (decoder,)
    return reveal_with_keys(_picture_of(stego, weights), derive_keys(password), names)


def reveal_with_keys(picture: np.ndarray, keys: Keys, decoders: Sequence[str] = READERS) -> bytes:
    """Return the message in a decoded picture (H, W, 3) uint8; see :func:`reveal`."""
    tensor = to_tensor(picture)
    failure = MessageNotFoundError(
        "No message was found: the password is wrong, or the picture carries no message."
    )
    for name in decoders:
        soft = read_soft_bits(load_message_decoder(name, keys.master), tensor, keys)
        if soft is None:
            continue
        try:
            return message_of(soft, keys)
        except MessageNotFoundError as error:
            # Networks that look for similar things may read each other's robust preamble.
            failure = error
    raise failure


def decode_stego(data: bytes, name: str, weights: Path | None = None) -> np.ndarray:
    """Return the picture (H, W, 3) uint8 in the bytes of a .lik file or of a picture file."""
    return (
        decompress(data, weights=weights)
        if data[: len(MAGIC)] == MAGIC
        else decode_picture(data, name)
    )


def decompress(data: bytes | Path | str, *, weights: Path | None = None) -> np.ndarray:
    """Return the picture (H, W, 3) uint8 of a .lik file.

    Args:
        data: bytes or path of the file.
        weights: the codec's weights file, where it is neither bundled nor in the user's folder.

    Raises:
        ContainerError: foreign, truncated or altered.
        WeightsError: made with a codec or weights that are not here.
    """
    if not isinstance(data, bytes):
        data = read_file(Path(data))
    file = unpack(data)
    codec = codec_of_file(file.codec, file.fingerprint, weights)
    latents = codec.codec.decode(
        file.y_stream, file.z_stream, file.height, file.width, file.quality
    )
    if digest_symbols(latents.z, latents.y) != file.symbols_digest:
        raise ContainerError(
            "This .lik file does not decode to what was encoded; get a fresh copy of it."
        )
    return to_picture(
        codec.codec.synthesise(latents.values, latents.quality, (file.height, file.width))
    )


# --- steps of both --------------------------------------------------------------------------------


def _check_options(options: HideOptions, message: bytes) -> Preset:
    if options.channel not in CHANNELS:
        raise OptionError(
            f"There is no channel {options.channel!r}; choose from {', '.join(CHANNELS)}."
        )
    if options.steps is not None and options.steps < 1:
        raise OptionError("The number of steps must be at least 1.")
    if options.seconds is not None and not options.seconds > 0:
        raise OptionError("The number of seconds must be above 0.")
    if options.seed < 0:
        raise OptionError("The seed must be 0 or more.")
    if len(message) > MAX_MESSAGE_BYTES:
        raise CapacityError(
            f"The message has {len(message)} bytes; {MAX_MESSAGE_BYTES} is the limit."
        )
    return preset_named(options.preset)


def _as_picture(image: np.ndarray | Path | str) -> np.ndarray:
    if not isinstance(image, np.ndarray):
        return read_picture(Path(image))
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise PictureError("A picture must be an array (height, width, 3) of uint8.")
    if min(image.shape[:2]) < MINIMUM_SIDE or image.shape[0] * image.shape[1] > MAXIMUM_PIXELS:
        raise PictureError(
            f"A picture of {image.shape[1]}×{image.shape[0]} pixels is out of range: "
            f"{MINIMUM_SIDE}×{MINIMUM_SIDE} at least, {MAXIMUM_PIXELS // 10**6} megapixels at most."
        )
    return image


def _picture_of(stego: bytes | np.ndarray | Path | str, weights: Path | None) -> np.ndarray:
    if isinstance(stego, np.ndarray):
        return _as_picture(stego)
    if isinstance(stego, bytes):
        return decode_stego(stego, "This data", weights)
    return decode_stego(read_file(Path(stego)), Path(stego).name, weights)


def _size(picture: np.ndarray) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]


def _salt(keys: Keys, seed: int, message: bytes, cover: np.ndarray) -> bytes:
    """Return a salt that is new for every message, seed and cover, yet reproducible."""
    content = b"".join([seed.to_bytes(16, "little"), message, cover.tobytes()])
    return hmac.digest(keys.subkey("salt"), content, "sha256")[:SALT_BYTES]


def _analyse(codec: LoadedCodec, cover: np.ndarray, quality: int) -> _Plain:
    tensor = to_tensor(cover)
    v = codec.codec.analyse(tensor, quality)
    z = codec.codec.hyper_analyse(v)
    side = codec.codec.side(z, (v.shape[-2], v.shape[-1])).float()
    return _Plain(tensor, v, side, codec.codec.quantise(v, z, quality))


def _pack(codec: LoadedCodec, latents: Latents, cover: np.ndarray) -> bytes:
    """Return the .lik file of ``latents``."""
    y_stream, z_stream = codec.codec.encode(latents)
    return pack(
        LikFile(
            codec=codec.number,
            fingerprint=codec.fingerprint,
            height=cover.shape[0],
            width=cover.shape[1],
            quality=latents.quality,
            symbols_digest=digest_symbols(latents.z, latents.y),
            z_stream=z_stream,
            y_stream=y_stream,
        )
    )


def _wanted_bits(plan: Plan, sealed: bytes, keys: Keys) -> Tensor:
    """Return (planes, gh, gw): +1 and −1 where a bit is carried, 0 elsewhere."""
    carrier, smallest = plan.carrier, plan.smallest
    wanted = np.zeros(carrier.positions, dtype=np.float32)
    places = preamble_positions(carrier, smallest, keys)
    preamble = Preamble(len(sealed), plan.raw_bits, carrier.code)
    wanted[places] = 2.0 * encode_preamble(preamble, keys, len(places)) - 1
    order = payload_positions(carrier, smallest, keys)[: plan.raw_bits]
    wanted[order] = 2.0 * frame_bits(sealed, plan.raw_bits, keys) - 1
    return torch.from_numpy(wanted).view(carrier.planes, *carrier.grid)


def _logits(decoder: MessageDecoder, picture: np.ndarray, plan: Plan) -> Tensor:
    return torch.from_numpy(read_logits(decoder, to_tensor(picture), plan.carrier))


def _verify(picture: np.ndarray, message: bytes, keys: Keys, decoders: Sequence[str]) -> None:
    """Read the message as the receiver will: from the decoded file and from a PNG of it.

    Args:
        picture: what the finished file's bytes decode to.
        message: what must come back.
        keys: from the password.
        decoders: what the receiver tries.

    Raises:
        CapacityError: a message does not come back; nothing must be sent.
    """
    for received in (picture, decode_picture(encode_png(picture, effort=1), "the PNG")):
        try:
            returned = reveal_with_keys(received, keys, decoders)
        except MessageNotFoundError:
            returned = None
        if returned != message:
            raise CapacityError(
                "The finished file did not give the message back, so it was not written; "
                "use a shorter message, a higher quality or another seed."
            )


def _too_much(message: bytes, fitting: int) -> CapacityError:
    fitting = max(0, min(fitting, len(message) - 1))
    return CapacityError(
        f"This photo does not carry {len(message)} bytes at acceptable quality; about {fitting} "
        "bytes should fit. Shorten the message, raise --quality or take a larger photo."
    )
