"""hide() and reveal(), compress() and decompress(), from top to bottom.

::

    photo ─ g_a ─► y ─ edit ─► symbols ─ rANS ─► .lik ─ g_s ─► 8-bit picture ─ decoder ─► message
                        ▲
     message ─ seal ─ error correction ─ placement
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path

import numpy as np
from torch import Tensor

from latentink.channels.channel import Carried, Job, Plain, too_much
from latentink.channels.latents.coding import read_sealed
from latentink.channels.latents.sender import carry_in_latents, room_in_latents
from latentink.channels.pixels.plan import largest_message
from latentink.channels.pixels.receiver import message_of, read_soft_bits
from latentink.channels.pixels.sender import carry_in_pixels
from latentink.channels.pixels.view import View, whole_picture
from latentink.codecs.codec import Codec, Latents
from latentink.codecs.compression import compress_plainly, pack_latents
from latentink.codecs.registry import codec_of_file, load_codec
from latentink.container import MAGIC, digest_symbols, unpack
from latentink.editing.editor import Progress
from latentink.editing.presets import Preset, preset_named
from latentink.errors import (
    CapacityError,
    ContainerError,
    MessageNotFoundError,
    OptionError,
    PictureError,
)
from latentink.geometry import Rectangle
from latentink.message_decoders.registry import READERS, load_message_decoder
from latentink.payload.keys import Keys, derive_keys
from latentink.payload.sealing import MAX_MESSAGE_BYTES, message_salt, seal, unseal
from latentink.picture import (
    MAXIMUM_PIXELS,
    MINIMUM_SIDE,
    decode_picture,
    psnr_db,
    read_file,
    read_picture,
    to_picture,
    to_tensor,
)

CHANNELS: dict[str, Callable[[Job], Carried]] = {
    "pixels": carry_in_pixels,
    "latents": carry_in_latents,
}
STARTS = ("cover", "encoder")
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
        channel: where the bits live: ``"pixels"`` of the decoded picture, or ``"latents"``, the
            file's symbols (much more room, but only the .lik file delivers the message).
        preset: name of the editor's preset, or a preset of your own.
        decoder: message decoder instead of the preset's.
        start: ``"cover"``, or ``"encoder"``: the editor starts from the picture of the encoder that
            the message decoder was trained with, as in the paper's Figure 1.
        evade: file of a detector (``latentink train detector``) that the editor is to evade; in the
            pixels channel alone.
        steps: length of the editor's schedule instead of the preset's; in the latents channel, of
            a refinement of all symbols, which there is none of otherwise.
        seconds: budget of the editor's schedule.
        seed: of everything random; the same inputs and seed give the same bytes.
    """

    codec: str = "hyperprior"
    weights: Path | None = None
    quality: float = DEFAULT_QUALITY
    channel: str = "pixels"
    preset: str | Preset = "balanced"
    decoder: str | None = None
    start: str = "cover"
    evade: Path | None = None
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
        limit_bytes: bytes beyond which no setting helps: all positions used; in the latents channel
            at this quality.
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
    quality_code = codec.quality_code(options.quality)
    sealed = seal(message, keys, message_salt(keys, options.seed, message, cover.tobytes()))
    plain = compress_plainly(codec, cover, quality_code)
    job = Job(
        message=message,
        sealed=sealed,
        keys=keys,
        codec=codec,
        quality_code=quality_code,
        plain=plain,
        preset=preset,
        decoder=options.decoder,
        evade=options.evade,
        from_encoder=options.start == "encoder",
        steps=options.steps,
        seconds=options.seconds,
        seed=options.seed,
        on_step=on_step,
    )
    carried = CHANNELS[options.channel](job)
    data = pack_latents(codec, carried.latents, _size(cover))
    decoded = _decode(data, options.weights)
    picture = decoded.picture(plain)
    psnr = psnr_db(cover, picture)
    if plain.psnr_db - psnr > preset.psnr_loss_limit:
        share = preset.psnr_loss_limit / (plain.psnr_db - psnr)
        raise too_much(message, int(share * len(message)))
    if options.channel == "latents":
        _verify(lambda: _message_in_symbols(decoded, keys), message)
    else:
        names = READERS if carried.decoder in READERS else (carried.decoder,)
        # What reveal sees of the file, and of its picture saved without loss.
        for view in (decoded.view(picture), whole_picture(picture)):
            _verify(partial(_message_in, view, keys, names), message)
    pixels = cover.shape[0] * cover.shape[1]
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
            raw_accuracy=carried.raw_accuracy(picture),
            raw_bits=carried.raw_bits,
            density=carried.raw_bits / pixels,
            steps=carried.steps,
            plain_file_bytes=plain.file_bytes,
            plain_psnr_db=plain.psnr_db,
            decoder=carried.decoder,
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
    plain = compress_plainly(loaded, cover, loaded.quality_code(quality))
    data = pack_latents(loaded, plain.latents, _size(cover))
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
    channel: str = "pixels",
) -> Capacity:
    """Estimate how long a message a photo carries; ``hide`` is the proof.

    In the pixels channel the estimate is a share of what the plain file spends on the photo,
    because a photo that costs few bits offers few symbols to edit; the share was measured
    (docs/method.md). In the latents channel it counts symbols.

    Raises:
        OptionError: no channel of that name, or a quality out of range.
        PictureError, WeightsError: as for :func:`hide`.
    """
    _check_channel(channel)
    cover = _as_picture(image)
    loaded = load_codec(codec, weights)
    plain = compress_plainly(loaded, cover, loaded.quality_code(quality))
    if channel == "latents":
        easily, limit = room_in_latents(plain.latents, loaded.scales)
    else:
        keys = derive_keys(None)
        decoder = load_message_decoder(preset_named(preset).decoder, keys.master)
        limit = largest_message(_size(cover), decoder, keys, _PLANNED_ACCURACY)
        easily = max(0, min(limit, int(_CAPACITY_SHARE * plain.file_bytes)))
    return Capacity(
        message_bytes=easily,
        limit_bytes=limit,
        height=cover.shape[0],
        width=cover.shape[1],
        quality=quality,
        plain_file_bytes=plain.file_bytes,
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
    keys = derive_keys(password)
    if isinstance(stego, np.ndarray):
        return _message_in(whole_picture(_as_picture(stego)), keys, names)
    data = stego if isinstance(stego, bytes) else read_file(Path(stego))
    if data[: len(MAGIC)] != MAGIC:
        name = "This data" if isinstance(stego, bytes) else Path(stego).name
        return _message_in(whole_picture(decode_picture(data, name)), keys, names)
    decoded = _decode(data, weights)
    message = _message_in_symbols(decoded, keys)
    return _message_in(decoded.view(), keys, names) if message is None else message


def _message_in_symbols(decoded: _Decoded, keys: Keys) -> bytes | None:
    """Return the message of the latents channel, or None where these keys find none.

    Raises:
        MessageNotFoundError: a preamble was found, but the seal is broken.
    """
    latents = decoded.latents
    passes = decoded.codec.passes(latents.y.shape)
    sealed = read_sealed(latents.y, latents.indexes, passes, keys)
    return None if sealed is None else unseal(sealed, keys)


def _message_in(view: View, keys: Keys, decoders: Sequence[str]) -> bytes:
    """Return the message in a decoded picture; see :func:`reveal`."""
    failure = MessageNotFoundError(
        "No message was found: the password is wrong, or the picture carries no message."
    )
    for name in decoders:
        soft = read_soft_bits(load_message_decoder(name, keys.master), view, keys)
        if soft is None:
            continue
        try:
            return message_of(soft, keys)
        except MessageNotFoundError as error:
            # Networks that look for similar things may read each other's robust preamble.
            failure = error
    raise failure


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
    return _decode(data, weights).picture()


@dataclass(frozen=True)
class _Decoded:
    """The latents of a .lik file, with what makes a picture of ``size`` (height, width) of them."""

    codec: Codec
    latents: Latents
    size: tuple[int, int]

    def picture(self, plain: Plain | None = None) -> np.ndarray:
        """Return the picture (H, W, 3) uint8; ``plain``: the same photo's, to take parts from."""
        latents = self.latents
        known = None
        if plain is not None and plain.latents.quality_code == latents.quality_code:
            known = plain.latents.values, to_tensor(plain.picture)
        return to_picture(
            self.codec.synthesise(latents.values, latents.quality_code, self.size, known)
        )

    def view(self, whole: np.ndarray | None = None) -> View:
        """Return the picture as parts that are made when they are looked at.

        Args:
            whole: the picture, where it has been made; it serves whoever looks at all of it.
        """

        @cache
        def part(place: Rectangle) -> Tensor:
            if whole is not None and (place.height, place.width) == self.size:
                return to_tensor(whole)
            made = self.codec.synthesise_part(
                self.latents.values, self.latents.quality_code, self.size, place
            )
            return to_tensor(to_picture(made))

        return View(self.size, part)


def _decode(data: bytes, weights: Path | None) -> _Decoded:
    """Return what is in the bytes of a .lik file; errors as for :func:`decompress`."""
    file = unpack(data)
    codec = codec_of_file(file.codec, file.fingerprint, weights)
    latents = codec.decode(file.y_stream, file.z_stream, file.height, file.width, file.quality_code)
    if digest_symbols(latents.z, latents.y) != file.symbols_digest:
        raise ContainerError(
            "This .lik file does not decode to what was encoded; get a fresh copy of it."
        )
    return _Decoded(codec, latents, (file.height, file.width))


# --- steps of both --------------------------------------------------------------------------------


def _check_channel(name: str) -> None:
    if name not in CHANNELS:
        raise OptionError(f"There is no channel {name!r}; choose from {', '.join(CHANNELS)}.")


def _check_options(options: HideOptions, message: bytes) -> Preset:
    _check_channel(options.channel)
    in_latents = options.channel == "latents"
    if in_latents and (options.decoder, options.seconds) != (None, None):
        raise OptionError(
            "The latents channel has neither a message decoder nor a budget of seconds; leave "
            "these options out."
        )
    if options.start not in STARTS:
        raise OptionError(f"There is no start {options.start!r}; choose from {', '.join(STARTS)}.")
    if in_latents and options.start != "cover":
        raise OptionError("The latents channel has no encoder to start from.")
    if in_latents and options.evade is not None:
        raise OptionError("The latents channel evades no detector of pictures; leave it out.")
    least = 0 if in_latents else 1
    if options.steps is not None and options.steps < least:
        raise OptionError(f"The number of steps must be at least {least}.")
    if options.seconds is not None and not options.seconds > 0:
        raise OptionError("The number of seconds must be above 0.")
    if options.seed < 0:
        raise OptionError("The seed must be 0 or more.")
    if len(message) > MAX_MESSAGE_BYTES:
        raise CapacityError(
            f"The message has {len(message)} bytes; {MAX_MESSAGE_BYTES} is the limit."
        )
    preset = options.preset
    return preset if isinstance(preset, Preset) else preset_named(preset)


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


def _size(picture: np.ndarray) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]


def _verify(receive: Callable[[], bytes | None], message: bytes) -> None:
    """Check that the message comes back.

    Args:
        receive: reads the finished file as the receiver will.
        message: what must come back.

    Raises:
        CapacityError: it does not; nothing must be sent.
    """
    try:
        returned = receive()
    except MessageNotFoundError:
        returned = None
    if returned != message:
        raise CapacityError(
            "The finished file did not give the message back, so it was not written; "
            "use a shorter message, a higher quality or another seed."
        )
