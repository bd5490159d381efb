from __future__ import annotations

import io
import shutil
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
import skimage.data
from PIL import Image

import latentink
from latentink import HideOptions
from latentink.bundled import bundled
from latentink.channels.latents.channel import LatentsChannel
from latentink.codecs.compression import decode_file
from latentink.codecs.file_coding import salt_of
from latentink.codecs.gains import lagrangian
from latentink.codecs.loading import load_codec
from latentink.container import LikFile, pack, unpack
from latentink.errors import ConversionWarning
from latentink.picture import encode_png
from photos import astronaut
from profiles import red_is_green

FAST = HideOptions(channel="pixels", preset="fast")


def test_without_options_the_message_is_hidden_by_proof_in_the_file(stego):
    assert stego.report.security == "exact"
    assert latentink.reveal(stego.data, password="tide") == b"meet at noon"
    with pytest.raises(latentink.MessageNotFoundError, match="--channel pixels"):
        latentink.reveal(stego.picture, password="tide")


def test_the_message_comes_back_from_file_and_picture(pixels_stego):
    assert pixels_stego.report.security == "found"
    for copy in (pixels_stego.data, pixels_stego.picture, encode_png(pixels_stego.picture)):
        assert latentink.reveal(copy, password="tide") == b"meet at noon"


def test_a_receiver_looks_past_what_viewers_add(pixels_stego):
    """An alpha channel, whatever is in it, a profile, and a tag that turns the picture."""
    picture = Image.fromarray(pixels_stego.picture)
    clear = picture.copy()
    clear.putalpha(Image.linear_gradient("L"))
    exif = Image.Exif()
    exif[0x0112] = 6
    for image, added in (
        (picture.convert("RGBA"), {}),
        (clear, {}),
        (picture, {"icc_profile": red_is_green()}),
        (picture, {"exif": exif}),
    ):
        copy = io.BytesIO()
        image.save(copy, "PNG", **added)
        assert latentink.reveal(copy.getvalue(), password="tide") == b"meet at noon"
    with pytest.raises(latentink.MessageNotFoundError, match="password"):
        latentink.reveal(copy.getvalue(), password="ebb")


def test_what_had_to_be_converted_is_a_warning_where_the_caller_is(tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray(astronaut()).save(path, icc_profile=red_is_green())
    for work in (latentink.compress, latentink.capacity):
        with pytest.warns(ConversionWarning, match=r"wide\.png: its colours") as seen:
            work(path)
        assert [one.filename for one in seen] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        latentink.compress(astronaut())


def test_the_picture_is_what_the_file_decodes_to(stego):
    np.testing.assert_array_equal(latentink.decompress(stego.data), stego.picture)


@pytest.mark.parametrize("password", [None, "Tide", "tide "])
def test_another_password_finds_nothing(stego, password):
    with pytest.raises(latentink.MessageNotFoundError):
        latentink.reveal(stego.data, password=password)


def test_a_plain_file_carries_no_message_and_looks_the_same(stego):
    plain = latentink.compress(astronaut())
    with pytest.raises(latentink.MessageNotFoundError):
        latentink.reveal(plain.data, password="tide")
    open_fields = ("codec_number", "fingerprint", "height", "width", "quality_code")
    with_message, without = unpack(stego.data), unpack(plain.data)
    assert [getattr(with_message, f) for f in open_fields] == [
        getattr(without, f) for f in open_fields
    ]
    z = [decode_file(one.data).latents.z for one in (stego, plain)]
    np.testing.assert_array_equal(*z)


@pytest.mark.parametrize("channel", ["latents", "pixels"])
def test_report_is_true(channel):
    options = HideOptions(channel=channel, seed=5)
    stego = latentink.hide(astronaut(), b"meet at noon", password="tide", options=options)
    report = stego.report
    assert report.file_bytes == len(stego.data)
    assert report.bpp == pytest.approx(8 * len(stego.data) / 256**2)
    assert report.plain_file_bytes == len(latentink.compress(astronaut(), seed=5).data)
    squared = np.mean((stego.picture.astype(float) - astronaut()) ** 2)
    assert report.psnr_db == pytest.approx(10 * np.log10(255**2 / squared))
    assert report.payload_bytes == 12
    assert report.delivered_rate == pytest.approx(12 / len(stego.data))
    assert 0.75 < report.raw_accuracy <= 1
    assert report.password_used


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
@pytest.mark.parametrize(
    ("channel", "preset"), [("pixels", "balanced"), ("pixels", "fast"), ("latents", None)]
)
def test_every_channel_codec_and_preset(codec, channel, preset, tmp_path):
    options = HideOptions(codec=codec, channel=channel, preset=preset)
    photo = astronaut(top=128, left=40, height=160, width=160)
    stego = latentink.hide(photo, b"the tide turns at nine", password="tide", options=options)
    path = tmp_path / "photo.lik"
    path.write_bytes(stego.data)
    assert latentink.reveal(path, password="tide") == b"the tide turns at nine"
    before = latentink.compress(photo, codec=codec).report.psnr_db
    assert stego.report.plain_psnr_db in (None, pytest.approx(before, abs=0.3))
    assert before - stego.report.psnr_db < 1.5


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
def test_the_paper_preset_carries_too(codec):
    options = HideOptions(codec=codec, channel="pixels", preset="paper", quality=8)
    photo = astronaut(height=160, width=160)
    stego = latentink.hide(photo, b"noon", password="tide", options=options)
    assert latentink.reveal(stego.data, password="tide") == b"noon"


def test_the_editor_may_start_from_the_encoders_picture():
    photo = astronaut(0, 100, 128, 128)
    kinds = {}
    for start in ("cover", "encoder"):
        options = HideOptions(channel="pixels", decoder="dense2", start=start, steps=60)
        stego = latentink.hide(photo, b"noon", password="tide", options=options)
        names = {"password": "tide", "decoder": "dense2"}
        assert latentink.reveal(stego.data, **names) == b"noon"
        kinds[start] = stego.data
    assert kinds["cover"] != kinds["encoder"]
    with pytest.raises(latentink.WeightsError, match="no encoder"):
        latentink.hide(photo, b"noon", options=HideOptions(channel="pixels", start="encoder"))


def test_refinement_of_the_symbols_pays_and_repeats():
    message = np.random.default_rng(0).bytes(2000)
    plain, refined, again = (
        latentink.hide(
            astronaut(),
            message,
            password="tide",
            options=HideOptions(steps=steps, seed=0),
        )
        for steps in (0, 30, 30)
    )
    assert refined.data == again.data
    assert latentink.reveal(refined.data, password="tide") == message
    assert refined.report.steps == 30
    costs = [cost(stego.report) for stego in (plain, refined)]
    assert costs[1] < costs[0]


def cost(report):
    """R + λ1·L_recon of a finished file, bits."""
    mean_squared = 255**2 * 10 ** (-report.psnr_db / 10)
    pixels = report.height * report.width
    return 8 * report.file_bytes + lagrangian(report.quality) * mean_squared * pixels


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
def test_the_lowest_quality_carries_with_the_long_period(codec):
    options = HideOptions(channel="pixels", codec=codec, quality=1, preset="fast", seed=0)
    stego = latentink.hide(astronaut(), b"meet at noon", password="tide", options=options)
    assert stego.report.decoder == "periodic64"
    assert latentink.reveal(encode_png(stego.picture), password="tide") == b"meet at noon"


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
@pytest.mark.parametrize("length", [0, 100, 2000])
def test_the_latents_channel_delivers_from_the_file_alone(codec, length, tmp_path):
    message = np.random.default_rng(length).bytes(length)
    options = HideOptions(codec=codec, channel="latents")
    stego = latentink.hide(astronaut(), message, password="tide", options=options)
    assert stego.report.raw_accuracy == 1
    path = tmp_path / "photo.lik"
    path.write_bytes(stego.data)
    assert latentink.reveal(path, password="tide") == message
    for wrong in (lambda: latentink.reveal(path), lambda: latentink.reveal(stego.picture)):
        with pytest.raises(latentink.MessageNotFoundError):
            wrong()


def test_the_latents_channel_says_what_fits():
    options = HideOptions(seed=0)
    with pytest.raises(latentink.CapacityError, match=r"\d+ bytes"):
        latentink.hide(astronaut(), np.random.default_rng(0).bytes(60_000), options=options)
    flat = np.full((64, 64, 3), 200, dtype=np.uint8)
    with pytest.raises(latentink.CapacityError, match=r"about \d+ bytes|no message"):
        latentink.hide(flat, b"no room", options=options)


def test_a_short_message_costs_little(pixels_stego):
    # About 0.4 dB and 2 to 4 %; a processor that rounds otherwise may take another round of steps.
    report = pixels_stego.report
    assert report.plain_psnr_db - report.psnr_db < 1
    assert report.file_bytes < 1.1 * report.plain_file_bytes


@pytest.mark.parametrize("channel", ["latents", "pixels"])
def test_same_inputs_and_seed_give_the_same_bytes(channel):
    photo = astronaut(height=128, width=128)
    first, again, other = (
        latentink.hide(
            photo, b"noon", password="tide", options=HideOptions(channel=channel, seed=seed)
        )
        for seed in (0, 0, 1)
    )
    assert again.data == first.data
    assert other.data != first.data
    assert latentink.reveal(other.data, password="tide") == b"noon"


def test_without_a_seed_no_two_files_are_the_same():
    photo = astronaut(height=128, width=128)
    assert latentink.compress(photo).data != latentink.compress(photo).data
    assert latentink.compress(photo, seed=3).data == latentink.compress(photo, seed=3).data
    one, other = (latentink.hide(photo, b"noon", password="tide") for _ in range(2))
    assert one.data != other.data
    with pytest.raises(latentink.OptionError, match="seed"):
        latentink.compress(photo, seed=-1)


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
@pytest.mark.parametrize("quality", [3, 5])
def test_three_and_a_half_percent_of_the_file_are_hidden_by_proof(codec, quality):
    plain = latentink.compress(astronaut(), codec=codec, quality=quality).report
    message = np.random.default_rng(3).bytes(int(0.035 * plain.file_bytes))
    options = HideOptions(codec=codec, quality=quality, exact=True)
    stego = latentink.hide(astronaut(), message, password="tide", options=options)
    assert stego.report.security == "exact"
    assert latentink.reveal(stego.data, password="tide") == message
    assert unpack(stego.data).quality_code == 256 * quality
    # Both within what coins do to files, about 0.5 % and 0.03 dB.
    assert stego.report.file_bytes == pytest.approx(plain.file_bytes, rel=0.03)
    assert stego.report.psnr_db == pytest.approx(plain.psnr_db, abs=0.2)


def test_what_is_not_hidden_by_proof_is_said_or_refused():
    room = latentink.capacity(astronaut()).exact_bytes
    message = np.random.default_rng(3).bytes(2 * room)
    stego = latentink.hide(astronaut(), message, password="tide")
    assert stego.report.security == "measured"
    assert latentink.reveal(stego.data, password="tide") == message
    with pytest.raises(latentink.CapacityError, match=r"hides about \d+ bytes by proof"):
        latentink.hide(astronaut(), message, password="tide", options=HideOptions(exact=True))
    for wrong in ({"channel": "pixels"}, {"steps": 5}):
        options = HideOptions(exact=True, **wrong)
        with pytest.raises(latentink.OptionError, match="--exact"):
            latentink.hide(astronaut(), b"m", password="tide", options=options)
    with pytest.raises(latentink.OptionError, match="Without a password"):
        latentink.hide(astronaut(), b"m", options=HideOptions(exact=True))
    assert latentink.hide(astronaut(), b"m").report.security == "public"


def test_the_key_of_a_file_is_its_own():
    """Two photos that a password was used for have nothing in common."""
    photos = [astronaut(left=left, height=128, width=128) for left in (100, 300)]
    salts = []
    for photo in photos:
        decoded = decode_file(latentink.hide(photo, b"noon", password="tide").data)
        salts.append(salt_of(decoded.codec.entropy, decoded.latents, decoded.size))
    again = decode_file(latentink.compress(photos[0]).data)
    assert salts[0] == salt_of(again.codec.entropy, again.latents, again.size) != salts[1]


@pytest.mark.parametrize("message", [b"", b"\0", bytes(range(256))])
def test_messages_of_all_lengths(message):
    result = latentink.hide(astronaut(), message, options=FAST)
    assert latentink.reveal(result.data) == message
    assert not result.report.password_used


@pytest.mark.parametrize(("height", "width"), [(131, 202), (97, 255)])
def test_odd_sizes(height, width):
    result = latentink.hide(astronaut(height=height, width=width), b"odd", options=FAST)
    assert result.picture.shape == (height, width, 3)
    assert latentink.reveal(result.data) == b"odd"


@pytest.mark.parametrize("decoder", ["dense", "robust", "keyed"])
def test_other_message_decoders(decoder):
    options = HideOptions(channel="pixels", decoder=decoder, preset="fast")
    photo = astronaut(height=160, width=160)
    result = latentink.hide(photo, b"meet", password="tide", options=options)
    assert result.report.decoder == decoder
    assert latentink.reveal(result.data, password="tide") == b"meet"


def test_a_message_in_a_large_photo_stays_in_its_window():
    photo = skimage.data.astronaut()
    photo = np.concatenate([photo, photo[:, ::-1]], axis=1)
    photo = np.concatenate([photo, photo[:300]], axis=0)
    plain = latentink.compress(photo, seed=0)
    options = HideOptions(channel="pixels", steps=16, seed=0)
    result = latentink.hide(photo, b"window", password="tide", options=options)
    changed = (result.picture != plain.picture).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    # 512 pixels and the synthesis transform's reach of 64 on either side.
    assert rows[-1] - rows[0] < 512 + 128
    assert columns[-1] - columns[0] < 512 + 128
    assert latentink.reveal(result.data, password="tide") == b"window"
    assert latentink.reveal(result.picture, password="tide") == b"window"


def test_too_long_a_message_names_what_fits():
    with pytest.raises(latentink.CapacityError, match=r"\d+ bytes"):
        latentink.hide(astronaut(), np.random.default_rng(0).bytes(20_000))


def test_a_message_that_the_photo_cannot_take_names_what_fits():
    flat = np.full((128, 128, 3), 200, dtype=np.uint8)
    with pytest.raises(latentink.CapacityError, match=r"about \d+ bytes|no message"):
        latentink.hide(
            flat,
            np.random.default_rng(0).bytes(900),
            options=HideOptions(channel="pixels", steps=10),
        )


@pytest.mark.parametrize("size", [(16, 16), (17, 33)])
def test_tiny_photos_compress_and_say_that_they_hold_nothing(size):
    photo = astronaut(height=size[0], width=size[1])
    assert latentink.decompress(latentink.compress(photo).data).shape == photo.shape
    with pytest.raises(latentink.CapacityError, match="holds 0 bytes"):
        latentink.hide(photo, b"much too long for this photo", options=FAST)
    with pytest.raises(latentink.CapacityError, match=r"\d+ bytes|no message"):
        latentink.hide(photo, bytes(range(200)))


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
@pytest.mark.parametrize("channel", ["pixels", "latents"])
def test_capacity_is_a_promise_on_a_photo(channel, codec):
    room = latentink.capacity(astronaut(), channel=channel, codec=codec)
    assert 0 < room.message_bytes <= room.limit_bytes
    assert (room.exact_bytes > 0) == (channel == "latents")
    for length in {room.message_bytes, room.exact_bytes}:
        message = np.random.default_rng(1).bytes(length)
        options = HideOptions(channel=channel, codec=codec)
        result = latentink.hide(astronaut(), message, password="tide", options=options)
        assert latentink.reveal(result.data, password="tide") == message
        if channel == "latents" and length <= room.exact_bytes:
            assert result.report.security == "exact"


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
def test_what_carries_nothing_says_so(codec):
    flat = np.full((32, 48, 3), 200, dtype=np.uint8)
    room = latentink.capacity(flat, codec=codec)
    assert (room.exact_bytes, room.message_bytes) == (0, 0)
    with pytest.raises(latentink.CapacityError, match="no message"):
        latentink.hide(flat, b"", options=HideOptions(codec=codec, seed=0))


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 9},
        {"channel": "pixels", "steps": 0},
        {"seconds": -1.0},
        {"seed": -1},
        {"seed": 99999999999999999999},
        {"preset": "none"},
        {"channel": "none"},
        {"channel": "latents", "preset": "balanced"},
        {"channel": "latents", "decoder": "dense"},
        {"channel": "latents", "steps": -1},
        {"channel": "latents", "codec": "elic", "steps": 30},
        {"channel": "latents", "seconds": 1.0},
    ],
)
def test_unusable_options(options):
    with pytest.raises(latentink.OptionError):
        latentink.hide(astronaut(), b"m", options=HideOptions(**options))


def test_unknown_names():
    with pytest.raises(latentink.WeightsError, match="hyperprior"):
        latentink.compress(astronaut(), codec="none")
    with pytest.raises(latentink.WeightsError, match="periodic"):
        latentink.hide(astronaut(), b"m", options=HideOptions(channel="pixels", decoder="none"))


def test_arrays_of_other_kinds_are_refused():
    for array in (
        np.zeros((32, 32)),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((8, 99, 3), np.uint8),
    ):
        with pytest.raises(latentink.PictureError):
            latentink.compress(array)


def test_a_decoder_from_a_file(tmp_path):
    """The receiver needs the sender's file; the bundled decoders read nothing."""
    path = str(tmp_path / "own.safetensors")
    shutil.copy(bundled("decoder_robust_d1"), path)
    photo = astronaut(height=160, width=160)
    options = HideOptions(channel="pixels", decoder=path, preset="fast")
    result = latentink.hide(photo, b"own", options=options)
    assert latentink.reveal(result.data, decoder=path) == b"own"
    with pytest.raises(latentink.WeightsError, match="There is no file"):
        latentink.reveal(result.data, decoder=str(tmp_path / "absent.safetensors"))


def test_any_altered_byte_of_a_file_is_an_error(stego):
    generator = np.random.default_rng(0)
    places = [*range(40), *generator.integers(40, len(stego.data), 300)]
    for place in places:
        altered = bytearray(stego.data)
        altered[place] ^= generator.integers(1, 256)
        with pytest.raises((latentink.ContainerError, latentink.PictureError)):
            latentink.reveal(bytes(altered), password="tide")


def test_an_alteration_behind_a_valid_check_is_an_error(stego):
    """Whoever repairs the CRC meets the digest of header and symbols."""
    generator = np.random.default_rng(1)
    for place in (*range(4, 32), *generator.integers(32, len(stego.data) - 4, 30)):
        altered = bytearray(stego.data)
        altered[place] ^= generator.integers(1, 256)
        altered[-4:] = zlib.crc32(altered[:-4]).to_bytes(4, "little")
        with pytest.raises(latentink.LatentinkError):
            latentink.reveal(bytes(altered), password="tide")


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
@pytest.mark.parametrize("size", [(65_500, 1_500), (9_999, 10_000), (1024, 1024)])
@pytest.mark.parametrize("length", [0, 4, 60, 2_000])
def test_a_short_stream_of_a_large_picture_takes_no_memory(codec, size, length):
    """Files of 36 to 2,036 bytes whose every field is in order, but for the stream."""
    loaded = load_codec(codec)
    stream = b"\xff" * length
    bomb = pack(
        LikFile(loaded.spec.number, loaded.entropy.fingerprint, *size, 1280, bytes(8), stream)
    )
    tracemalloc.start()
    with pytest.raises(latentink.ContainerError):
        latentink.decompress(bomb)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


def test_a_changed_picture_gives_the_message_or_an_error(pixels_stego):
    stego = pixels_stego
    generator = np.random.default_rng(2)
    for strength in (1, 4, 30):
        noise = generator.integers(-strength, strength + 1, stego.picture.shape)
        noisy = (stego.picture.astype(int) + noise).clip(0, 255).astype(np.uint8)
        try:
            assert latentink.reveal(noisy, password="tide") == b"meet at noon"
        except latentink.MessageNotFoundError:
            assert strength > 1


def test_a_receiver_goes_on_where_a_channel_takes_the_message_for_a_damaged_one(
    pixels_stego, monkeypatch
):
    stego = pixels_stego

    def damaged(channel, received, ring):
        raise latentink.MessageNotFoundError("too much of it is damaged")

    monkeypatch.setattr(LatentsChannel, "read", damaged)
    assert latentink.reveal(stego.data, password="tide") == b"meet at noon"
    with pytest.raises(latentink.MessageNotFoundError, match="damaged"):
        latentink.reveal(stego.data, password="ebb")
