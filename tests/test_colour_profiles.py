"""What a photo's numbers mean, and that they mean the same in sRGB."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from latentink.colour_profiles import as_srgb
from photos import astronaut
from profiles import black_ink_alone, grey, red_is_green


def with_info(image: Image.Image, **info: object) -> Image.Image:
    image.info.update(info)
    return image


def photo(mode: str = "RGB", **info: object) -> Image.Image:
    return with_info(Image.fromarray(astronaut()).convert(mode), **info)


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"icc_profile": srgb()},
        {"gamma": 0.45455},
        {"gamma": 1.0, "srgb": 0},
        {"gamma": 1.0, "icc_profile": srgb()},
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_is_srgb_stays_to_the_bit(mode, info):
    same, clause = as_srgb(photo(mode, **info))
    np.testing.assert_array_equal(same, photo(mode).convert("RGB"))
    assert clause == ""


def test_a_profile_moves_colours():
    converted, clause = as_srgb(photo(icc_profile=red_is_green()))
    off = np.asarray(converted, int) - astronaut()[..., [1, 0, 2]]
    assert np.abs(off).max() <= 2
    assert "profile" in clause


def test_gamma_of_a_png():
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    converted, clause = as_srgb(with_info(ramp, gamma=1.0))
    levels = np.asarray(converted)[0, :, 0]
    # IEC 61966-2-1: half of the light is level 188, a fifth 124, and 0.2 % is 7.
    assert [*levels[[0, 128, 51, 255]]] == [0, 188, 124, 255]
    assert "gamma" in clause


def test_a_grey_profile_is_for_grey():
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    converted, clause = as_srgb(with_info(ramp, icc_profile=grey(1.0)))
    assert np.abs(np.asarray(converted, int)[0, [128, 51]] - [[188], [124]]).max() <= 1
    assert "profile" in clause
    _, clause = as_srgb(photo(icc_profile=grey(1.0)))
    assert "ignored" in clause


def test_a_grey_photo_may_have_a_profile_of_colours():
    converted, clause = as_srgb(photo("L", icc_profile=red_is_green()))
    assert converted.mode == "RGB"
    assert clause != ""


def test_inks_go_through_their_profile():
    inks = np.random.default_rng(0).integers(0, 256, (1, 256, 4), np.uint8)
    inks[0, :, 3] = np.arange(256)
    image = with_info(Image.fromarray(inks, "CMYK"), icc_profile=black_ink_alone())
    converted, clause = as_srgb(image)
    levels = np.asarray(converted, int)[0]
    assert np.ptp(levels, axis=1).max() <= 1
    # L* = 50 is 18.4 % of the light, level 119 in sRGB.
    assert np.abs(levels[[0, 128, 255], 1] - [255, 119, 0]).max() <= 2
    assert "profile" in clause
    rough, clause = as_srgb(photo("CMYK"))
    np.testing.assert_array_equal(rough, photo("CMYK").convert("RGB"))
    assert "without a profile" in clause


@pytest.mark.parametrize("damaged", [b"no profile", srgb()[:200], b"\0" * 200])
def test_a_damaged_profile_is_ignored(damaged):
    same, clause = as_srgb(photo(icc_profile=damaged))
    np.testing.assert_array_equal(same, astronaut())
    assert "ignored" in clause
