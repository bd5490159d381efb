"""hide's presets and channels behind the interface of all methods."""

from __future__ import annotations

import numpy as np
import pytest

from latentink.container import unpack
from latentink.errors import OptionError
from latentink.methods.entries import MethodOptions
from latentink.methods.method import random_bits
from latentink.methods.registry import load_method
from photos import astronaut


@pytest.mark.parametrize("name", ["hide-fast", "hide-exact", "hide-latents", "hide-latents-short"])
def test_all_bits_come_back_from_the_file(name: str) -> None:
    method, cover = load_method(name), astronaut(height=192, width=192)
    bits = random_bits(method.bits_shape(cover), 3)
    stego = method.embed(cover, bits)
    assert bits.size > 0
    assert np.array_equal(method.extract(method.load(stego.data)) > 0, bits == 1)


def test_the_plain_file_has_the_quality_that_the_message_took() -> None:
    method, cover = load_method("hide-latents"), astronaut(height=192, width=192)
    stego = method.embed(cover, random_bits(method.bits_shape(cover), 3))
    plain = method.plain(cover, stego)
    assert unpack(plain.data).quality_code == unpack(stego.data).quality_code
    assert unpack(plain.data).quality_code > unpack(method.plain(cover).data).quality_code


def test_it_has_no_choice_of_depth_or_decoder() -> None:
    with pytest.raises(OptionError, match="depth"):
        load_method("hide-balanced", MethodOptions(depth=2))
    with pytest.raises(OptionError, match="decoder"):
        load_method("hide-balanced", MethodOptions(decoder="dense"))
