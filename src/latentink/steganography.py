"""hide(), compress() and decompress(), and what the receiver reads with networks.

::

    photo ─ g_a ─► y ─ a channel's sender ─► symbols ─ rANS ─► .lik ─ g_s ─► 8-bit picture
                          ▲                     └───── a channel's receiver ─────┘
     message ─► seal ─────┘                                   │
                                     message ◄─ unseal ◄──────┘
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from torch import Tensor

from latentink.channels.channel import Job, Received, received_picture, too_much
from latentink.channels.registry import all_channels, channel_named
from latentink.codecs.coins import coins_of
from latentink.codecs.compression import (
    Decoded,
    compress_plainly,
    decode_file,
)
from latentink.codecs.file_coding import pack_latents
from latentink.codecs.loading import load_codec
from latentink.codecs.sampled_psnr import LEAST_SAMPLED, sampled_psnr_db
from latentink.defaults import (
    DEFAULT_CHANNEL,
    DEFAULT_CODEC,
    DEFAULT_PRESET,
    DEFAULT_QUALITY,
    LARGEST_SEED,
)
from latentink.devices import device_named
from latentink.editing.editor import Progress
from latentink.editing.presets import Preset, preset_named
from latentink.errors import (
    CapacityError,
    ConversionWarning,
    MessageNotFoundError,
    OptionError,
    PictureError,
)
from latentink.geometry import (
    MAXIMUM_PIXELS,
    MAXIMUM_SIDE,
    MINIMUM_SIDE,
    Rectangle,
    is_picture_size,
)
from latentink.payload.keys import KeyRing
from latentink.payload.keystream import entropy_of
from latentink.payload.sealing import MAX_MESSAGE_BYTES, packed
from latentink.picture import (
    psnr_db,
    read_cover,
    read_file,
    to_tensor,
)
from latentink.results import (
    STARTS,
    Capacity,
    CompressReport,
    CompressResult,
    HideOptions,
    HideReport,
    StegoResult,
)

# --- the sender -----------------------------------------------------------------------------------


def hide(
    image: np.ndarray | Path | str,
    message: bytes,
    *,
    password: str | None = None,
    options: HideOptions | None = None,
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> StegoResult:
    """Compress a photo so that it carries ``message``, and read the message back from the result.

    Args:
        image: the cover: (H, W, 3) uint8 in sRGB, or a path to a picture file.
        message: any bytes, also none.
        password: None uses the public key, under which anybody can read the message.
        options: codec, quality, channel, preset and the like.
        on_step: called after each step of the editor.

    Raises:
        PictureError: the cover is not usable.
        OptionError: an option or the password is not usable.
        CapacityError: the photo cannot carry the message; the sentence says how much it can.
        WeightsError: a network that the options ask for is missing or damaged.

    Example:
        >>> import skimage.data
        >>> cover = skimage.data.astronaut()[:128, 128:256]
        >>> stego = hide(cover, b"meet at noon", password="tide")
        >>> stego.report.security
        'exact'
        >>> message_by_networks(decode_file(stego.data), KeyRing("tide"))
        b'meet at noon'
    """
    started = time.monotonic()
    options = options or HideOptions()
    channel = channel_named(options.channel)
    preset = _check_options(options, message)
    channel.check(options)
    if options.exact and password is None:
        raise OptionError(
            "Without a password anybody can find the message; give one, or leave --exact out."
        )
    device = device_named(options.device)
    cover = _as_picture(image)
    ring = KeyRing(password)
    codec = load_codec(options.codec, options.weights)
    quality_code = codec.quality_code(options.quality)
    entropy = entropy_of(options.seed)
    plain = compress_plainly(codec, cover, quality_code, coins_of(entropy), ring.prepare)
    job = Job(
        message=message,
        plaintext=packed(message),
        ring=ring,
        entropy=entropy,
        seed=_editing_seed(options.seed, entropy),
        codec=codec,
        quality_code=quality_code,
        cover=cover,
        plain=plain,
        preset=preset,
        options=options,
        on_step=on_step,
        device=device,
    )
    plain_file_bytes = plain.file_bytes  # Coded while the ring derives the keys.
    carried = channel.send(job)
    data = pack_latents(codec.entropy, carried.latents, _size(cover))
    decoded = decode_file(data, options.weights)
    decode = cache(lambda: decoded.picture(plain if channel.in_picture else None))
    sampled = options.sample_psnr and carried.security == "exact"
    psnr, share = _psnr_and_share(cover, decoded, decode, sampled)
    # A file that is as likely as any plain one must not be refused for what chance made of it.
    if carried.security != "exact" and plain.psnr_db - psnr > preset.psnr_loss_limit:
        fitting = preset.psnr_loss_limit / (plain.psnr_db - psnr) * len(message)
        raise too_much(message, int(fitting))
    copies = [_received_file(decoded, carried.named_decoder, None if sampled else decode())]
    if channel.in_picture:
        copies.append(received_picture(decode(), carried.named_decoder))
    for copy in copies:
        _check_comes_back(copy, ring, message)
    pixels = cover.shape[0] * cover.shape[1]
    report = HideReport(
        **vars(_report(cover, data, psnr, share, options.quality, codec.name, started)),
        payload_bytes=len(message),
        payload_bpp=8 * len(message) / pixels,
        delivered_rate=len(message) / len(data),
        raw_accuracy=carried.raw_accuracy(decode),
        raw_bits=carried.raw_bits,
        density=carried.raw_bits / pixels,
        steps=carried.steps,
        plain_file_bytes=plain_file_bytes,
        plain_psnr_db=plain.psnr_db if carried.security != "exact" else None,
        decoder=carried.decoder,
        security=carried.security if password is not None else "public",
        preset=preset.name,
        password_used=password is not None,
    )
    return StegoResult(data, decode, report)


def compress(
    image: np.ndarray | Path | str,
    *,
    codec: str = DEFAULT_CODEC,
    weights: Path | None = None,
    quality: float = DEFAULT_QUALITY,
    seed: int | None = None,
    sample_psnr: bool = False,
) -> CompressResult:
    """Compress a photo without a message.

    Coins decide symbols that lie near a border (codecs/coins.py), so that no two files of a photo
    are the same unless a seed is given.

    Args:
        image: the photo: (H, W, 3) uint8 in sRGB, or a path to a picture file.
        codec: name (codecs/registry.py).
        weights: weights file of the codec; None uses the bundled one.
        quality: 1 (small file) to 8 (good picture), any number between.
        seed: the same photo and seed give the same bytes; None takes coins of the system's.
        sample_psnr: measure the PSNR of a photo above 4 megapixels on windows of it, instead of
            decoding the whole picture.

    Raises:
        PictureError: the photo is not usable.
        OptionError: the quality or the seed is out of range.
        WeightsError: there is no codec of that name, or the file does not hold its weights.

    Example:
        >>> import skimage.data
        >>> result = compress(skimage.data.astronaut()[:128, 128:256], quality=3)
        >>> decompress(result.data).shape
        (128, 128, 3)
    """
    started = time.monotonic()
    cover = _as_picture(image)
    loaded = load_codec(codec, weights)
    _check_seed(seed)
    coins = coins_of(entropy_of(seed))
    plain = compress_plainly(loaded, cover, loaded.quality_code(quality), coins)
    data = plain.data
    decoded = decode_file(data, weights)
    decode = cache(decoded.picture)
    psnr, share = _psnr_and_share(cover, decoded, decode, sample_psnr)
    report = _report(cover, data, psnr, share, quality, loaded.name, started)
    return CompressResult(data, decode, report)


def capacity(
    image: np.ndarray | Path | str,
    *,
    codec: str = DEFAULT_CODEC,
    weights: Path | None = None,
    quality: float = DEFAULT_QUALITY,
    preset: str | None = None,
    channel: str = DEFAULT_CHANNEL,
) -> Capacity:
    """Estimate how long a message a photo carries; ``hide`` is the proof.

    Args:
        image: the photo: (H, W, 3) uint8 in sRGB, or a path to a picture file.
        codec: name (codecs/registry.py).
        weights: weights file of the codec; None uses the bundled one.
        quality: 1 (small file) to 8 (good picture), any number between.
        preset: name of the pixels channel's preset; None takes the default.
        channel: name (channels/registry.py).

    Raises:
        OptionError: there is no channel or preset of that name, the channel has no use for a
            preset, or the quality is out of range.
        PictureError, WeightsError: as for :func:`hide`.
    """
    place, editing = channel_named(channel), preset_named(preset or DEFAULT_PRESET)
    place.check(HideOptions(channel=channel, preset=preset))
    cover = _as_picture(image)
    loaded = load_codec(codec, weights)
    coins = coins_of(entropy_of(0))  # The same answer for the same photo.
    plain = compress_plainly(loaded, cover, loaded.quality_code(quality), coins)
    room = place.capacity(loaded, plain, editing)
    return Capacity(
        message_bytes=room.message_bytes,
        limit_bytes=room.limit_bytes,
        limit_at_any_quality=room.at_any_quality,
        exact_bytes=room.exact_bytes,
        height=cover.shape[0],
        width=cover.shape[1],
        quality=quality,
        plain_file_bytes=plain.file_bytes,
    )


# --- the receiver ---------------------------------------------------------------------------------


def message_by_networks(
    stego: Decoded | np.ndarray, ring: KeyRing, decoder: str | None = None
) -> bytes:
    """Return the message in a .lik file or in its decoded picture; see receiving.reveal.

    Args:
        stego: a .lik file, decoded, or (H, W, 3) uint8.
        ring: the keys of the password.
        decoder: message decoder; only one from a file of the sender's needs to be named.

    Raises:
        MessageNotFoundError: wrong password, or there is no message.
        WeightsError: there is no such message decoder.
    """
    if isinstance(stego, np.ndarray):
        return _message_in(received_picture(_as_picture(stego), decoder), ring)
    return _message_in(_received_file(stego, decoder), ring)


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
    return decode_file(data, weights).picture()


def _message_in(received: Received, ring: KeyRing) -> bytes:
    """Return the message that the first channel finds; errors as for message_by_networks."""
    failure = MessageNotFoundError(
        "No message was found: the password is missing or wrong, or the file carries no message; "
        "check both."
        if received.latents is not None
        else "No message was found: the password is missing or wrong, or the picture carries no "
        "message; a message that was hidden without --channel pixels is in the .lik file alone."
    )
    for channel in all_channels():
        try:
            message = channel.read(received, ring)
        except MessageNotFoundError as error:
            # By chance a channel may take another one's message for a damaged one of its own.
            failure = error
            continue
        if message is not None:
            return message
    raise failure


def _received_file(
    decoded: Decoded, decoder: str | None, picture: np.ndarray | None = None
) -> Received:
    """Return what the receiver has of a .lik file.

    Args:
        decoded: the file.
        decoder: the only message decoder to try, or None.
        picture: the decoded picture, where it has been made already.
    """

    @cache
    def part(place: Rectangle) -> Tensor:
        if picture is not None and (place.height, place.width) == decoded.size:
            return to_tensor(picture)
        return decoded.part(place)

    return Received(decoded.size, part, decoded.codec, decoded.latents, decoder)


# --- steps of both --------------------------------------------------------------------------------


def _check_options(options: HideOptions, message: bytes) -> Preset:
    """Return the preset after checking what all channels have in common.

    Raises:
        OptionError: a value is out of range or unknown.
        CapacityError: no photo takes a message of this length.
    """
    if options.start not in STARTS:
        raise OptionError(f"There is no start {options.start!r}; choose from {', '.join(STARTS)}.")
    if options.seconds is not None and not options.seconds > 0:
        raise OptionError("The number of seconds must be above 0.")
    _check_seed(options.seed)
    if len(message) > MAX_MESSAGE_BYTES:
        raise CapacityError(
            f"The message has {len(message)} bytes, {MAX_MESSAGE_BYTES} is the limit; shorten it."
        )
    preset = options.preset
    return preset if isinstance(preset, Preset) else preset_named(preset or DEFAULT_PRESET)


def _check_seed(seed: int | None) -> None:
    """Raise OptionError unless the seed is None or in range."""
    if seed is not None and not 0 <= seed <= LARGEST_SEED:
        raise OptionError(f"The seed must be from 0 to {LARGEST_SEED}.")


def _editing_seed(seed: int | None, entropy: bytes) -> int:
    """Return the editor's seed: the user's, or one that follows from the entropy."""
    return int.from_bytes(entropy[:4], "little") if seed is None else seed


def _as_picture(image: np.ndarray | Path | str) -> np.ndarray:
    if not isinstance(image, np.ndarray):
        cover = read_cover(Path(image))
        if cover.converted:
            warnings.warn(cover.converted, ConversionWarning, stacklevel=3)
        return cover.pixels
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise PictureError("A picture must be an array (height, width, 3) of uint8.")
    if not is_picture_size(image.shape[0], image.shape[1]):
        raise PictureError(
            f"A picture of {image.shape[1]}×{image.shape[0]} pixels is out of range: "
            f"{MINIMUM_SIDE}×{MINIMUM_SIDE} at least, no side above {MAXIMUM_SIDE}, and "
            f"{MAXIMUM_PIXELS // 10**6} megapixels at most."
        )
    return image


def _size(picture: np.ndarray) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]


def _psnr_and_share(
    cover: np.ndarray, decoded: Decoded, decode: Callable[[], np.ndarray], sampled: bool
) -> tuple[float, float]:
    """Return the PSNR of a file, dB, and the share of the picture that it was measured on."""
    if sampled and cover.shape[0] * cover.shape[1] > LEAST_SAMPLED:
        return sampled_psnr_db(to_tensor(cover), decoded)
    return psnr_db(cover, decode()), 1.0


def _report(
    cover: np.ndarray,
    data: bytes,
    psnr: float,
    share: float,
    quality: float,
    codec: str,
    started: float,
) -> CompressReport:
    """Return the figures that a file has with and without a message.

    Args:
        cover: (H, W, 3) uint8.
        data: bytes of the file.
        psnr: of its picture, dB.
        share: of the picture that this was measured on.
        quality: as the user gave it.
        codec: name.
        started: when the work began, by ``time.monotonic``.
    """
    height, width = _size(cover)
    return CompressReport(
        file_bytes=len(data),
        bpp=8 * len(data) / (height * width),
        psnr_db=psnr,
        psnr_share=share,
        height=height,
        width=width,
        quality=quality,
        codec=codec,
        seconds=time.monotonic() - started,
    )


def _check_comes_back(copy: Received, ring: KeyRing, message: bytes) -> None:
    """Check that a receiver gets the message from a copy of what will be sent.

    Raises:
        CapacityError: it does not; nothing must be sent.
    """
    try:
        returned = _message_in(copy, ring)
    except MessageNotFoundError:
        returned = None
    if returned != message:
        raise CapacityError(
            "The finished file did not give the message back, so it was not written; "
            "use a shorter message, a higher quality or another seed."
        )
