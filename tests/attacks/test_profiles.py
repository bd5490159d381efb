"""Attacks do what their names say, and only to pictures to which they happen."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from latentink.attacks.attack import Attack, gamma, jpeg, sharpened
from latentink.attacks.profiles import PROFILES, attacks_of
from latentink.errors import OptionError
from photos import astronaut


def test_jpeg_is_pillows_with_halved_colour():
    buffer = io.BytesIO()
    Image.fromarray(astronaut()).save(buffer, "JPEG", quality=50, subsampling=2)
    expected = np.asarray(Image.open(buffer).convert("RGB"))
    assert np.array_equal(Attack("JPEG 50", (jpeg(50),)).apply(astronaut()), expected)


def test_scaled_pictures_have_the_announced_size():
    attack = Attack("×0.35", scale=0.35)
    assert attack.apply(astronaut(height=200, width=301)).shape == (70, 105, 3)
    assert attack.size_of((200, 301)) == (70, 105)


def test_a_longest_side_is_met_exactly():
    attack = Attack("100 pixels", longest_side=100)
    assert attack.apply(astronaut(height=200, width=160)).shape == (100, 80, 3)


def test_gamma_leaves_black_and_white_alone():
    levels = np.zeros((16, 16, 3), dtype=np.uint8)
    levels[:8] = 255
    levels[8:12] = 128
    changed = Attack("gamma", (gamma(0.9),)).apply(levels)
    assert changed[0, 0, 0] == 255
    assert changed[-1, 0, 0] == 0
    assert changed[9, 0, 0] == round(255 * (128 / 255) ** 0.9)


def test_sharpening_raises_contrast():
    before, after = astronaut(), Attack("sharp", (sharpened(60),)).apply(astronaut())
    assert np.diff(after.astype(int), axis=1).std() > np.diff(before.astype(int), axis=1).std()


@pytest.mark.parametrize(("size", "missing"), [((512, 768), 2), ((1200, 1500), 1)])
def test_pictures_are_reduced_only_if_they_are_larger(size, missing):
    happening = [attack.name for attack in attacks_of("messenger", size)]
    assert len(happening) == len(PROFILES["messenger"]) - missing


def test_phone_photos_are_not_enlarged():
    assert "×2, JPEG 60" not in [attack.name for attack in attacks_of("messenger", (3000, 4000))]


def test_an_unknown_profile_ends_in_a_sentence():
    with pytest.raises(OptionError, match="choose from copy, web, messenger, harsh"):
        attacks_of("postcard", (512, 512))
