"""Messages in ordinary pictures come back after what happens to pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from latentink import (
    MessageNotFoundError,
    PictureFormat,
    PictureOptions,
    PictureResult,
    capacity_of_picture,
    hide_in_picture,
    reveal,
)
from latentink.attacks.attack import Attack, jpeg
from latentink.attacks.profiles import PROFILES, attacks_of
from latentink.channels.robust.receiver import read_message
from latentink.errors import CapacityError, OptionError
from latentink.ordinary_pictures import LEAST_PSNR_DB
from latentink.payload.keys import derive_keys
from photos import astronaut

PHOTO = astronaut(0, 0, 512, 512)
MESSAGE = b"meet at noon, at the old bridge"


@pytest.fixture(scope="module")
def stego() -> PictureResult:
    return hide_in_picture(PHOTO, MESSAGE, password="tide", options=PictureOptions(seed=1))


def test_the_message_comes_back_from_the_file_and_after_each_attack(stego):
    assert reveal(stego.data, password="tide") == MESSAGE
    for attack in attacks_of("messenger", (512, 512)):
        assert reveal(attack.apply(stego.picture), password="tide") == MESSAGE, attack.name


@pytest.mark.parametrize("factor", [0.6, 0.83, 1.21])
def test_sizes_that_no_profile_names_are_read_too(stego, factor):
    left = Attack("between", (jpeg(75),), scale=factor).apply(stego.picture)
    assert reveal(left, password="tide") == MESSAGE


def test_a_message_in_jpeg_is_read_from_the_bytes(stego):
    buffer = io.BytesIO()
    Image.fromarray(stego.picture).save(buffer, "JPEG", quality=60)
    assert reveal(buffer.getvalue(), password="tide") == MESSAGE


def test_the_picture_hardly_changes(stego):
    assert stego.report.psnr_db > 42
    assert stego.picture.shape == PHOTO.shape
    assert stego.report.survived == tuple(a.name for a in attacks_of("messenger", (512, 512)))


def test_a_seed_repeats_the_file_and_otherwise_none_is_repeated(stego):
    again = hide_in_picture(PHOTO, MESSAGE, password="tide", options=PictureOptions(seed=1))
    assert again.data == stego.data
    other = hide_in_picture(PHOTO, MESSAGE, password="tide")
    assert other.data != stego.data


def test_without_the_password_there_is_nothing(stego):
    for password in ("ebb", None):
        with pytest.raises(MessageNotFoundError):
            reveal(stego.picture, password=password)


def test_a_picture_that_was_changed_too_much_says_so(stego):
    # The preamble is stronger than the message: it is found where the message is lost.
    coarse = Attack("JPEG 16", (jpeg(16),)).apply(stego.picture)
    with pytest.raises(MessageNotFoundError, match="changed too much"):
        reveal(coarse, password="tide")
    ruined = Attack("JPEG 5", (jpeg(5),)).apply(stego.picture)
    with pytest.raises(MessageNotFoundError, match="No message was found"):
        reveal(ruined, password="tide")


def test_photos_without_a_message_give_none():
    for top in (0, 100, 200):
        assert read_message(astronaut(top, 0, 300, 400), derive_keys("tide")) is None


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
def test_lossy_files_are_corrected_for_what_saving_does(name):
    options = PictureOptions("web", PictureFormat(name))
    result = hide_in_picture(PHOTO, bytes(range(100)), password="tide", options=options)
    assert reveal(result.data, password="tide") == bytes(range(100))
    assert result.report.plain_psnr_db - result.report.psnr_db < 1.5


def test_the_longest_message_of_the_lossless_profile_is_long():
    message = np.random.default_rng(0).bytes(2000)
    result = hide_in_picture(PHOTO, message, password="tide", options=PictureOptions("copy"))
    assert reveal(result.picture, password="tide") == message
    assert result.report.psnr_db > 48


def test_what_capacity_says_can_be_hidden():
    photo = np.ascontiguousarray(PHOTO[:320, :320])
    room = capacity_of_picture(photo, PictureOptions("messenger"))
    assert room >= 20
    message = np.random.default_rng(1).bytes(room)
    result = hide_in_picture(photo, message, password="tide")
    assert result.report.psnr_db > 39


def test_too_long_a_message_is_refused_with_a_length_that_fits():
    photo = np.ascontiguousarray(PHOTO[:320, :320])
    with pytest.raises(CapacityError, match=r"\d+ bytes fit") as refusal:
        hide_in_picture(photo, np.random.default_rng(2).bytes(20_000), password="tide")
    fitting = int(str(refusal.value).split(";")[1].split()[0])
    assert fitting > 20
    hide_in_picture(photo, np.random.default_rng(3).bytes(fitting), password="tide")


def test_a_photo_without_room_is_refused():
    grey = np.full((64, 64, 3), 128, dtype=np.uint8)
    with pytest.raises(CapacityError, match="carries no message that survives 'messenger'"):
        hide_in_picture(grey, b"tide", password="tide")


def test_a_smooth_picture_carries_a_short_message():
    grey = np.full((600, 600, 3), 128, dtype=np.uint8)
    result = hide_in_picture(grey, b"tide", password="tide", options=PictureOptions("copy"))
    assert reveal(result.data, password="tide") == b"tide"


def test_an_unknown_profile_is_refused():
    with pytest.raises(OptionError, match=", ".join(PROFILES)):
        hide_in_picture(PHOTO, b"tide", options=PictureOptions("postcard"))


def test_a_message_a_little_too_long_is_told_nearly_what_fits():
    photo = astronaut(0, 0, 160, 160)
    fits = capacity_of_picture(photo, PictureOptions("copy"), LEAST_PSNR_DB)
    message = np.random.default_rng(5).bytes(int(1.2 * fits))
    with pytest.raises(
        CapacityError, match="Shorten the message or take a larger photo"
    ) as refusal:
        hide_in_picture(photo, message, options=PictureOptions("copy"))
    assert int(str(refusal.value).split(";")[1].split()[0]) > 0.8 * fits


def test_a_refusal_advises_only_options_that_help():
    flat = np.full((384, 512, 3), 128, np.uint8)
    with pytest.raises(CapacityError, match=r"ask for less with --survive (web|copy)") as refusal:
        hide_in_picture(flat, b"tide")
    less = str(refusal.value).rstrip(".").split()[-1]
    hide_in_picture(flat, b"tide", options=PictureOptions(less))
    coarse = PictureOptions("copy", PictureFormat("JPEG", 1))
    with pytest.raises(CapacityError, match="--jpeg-quality 92"):
        hide_in_picture(astronaut(), b"tide", options=coarse)
    with pytest.raises(CapacityError, match=r"more detail\.$"):
        hide_in_picture(astronaut(0, 0, 16, 16), b"tide")


def test_a_capacity_is_the_same_each_time():
    photo = astronaut(0, 0, 200, 200)
    first, second = (capacity_of_picture(photo, PictureOptions("web")) for _ in range(2))
    assert first == second > 0
