"""The watermarks of two packages behind the contract; they are tried where they are installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from latentink.errors import OptionError
from latentink.methods.method import random_bits
from latentink.methods.registry import load_method
from photos import astronaut

PACKAGES = {"blind-watermark": "blind_watermark", "invisible-watermark": "imwatermark"}
COVER = astronaut(0, 0, 512, 512)


@pytest.mark.parametrize("name", PACKAGES)
def test_bits_come_back_from_an_unchanged_picture(name: str) -> None:
    pytest.importorskip(PACKAGES[name], exc_type=ImportError)
    method = load_method(name)
    bits = random_bits(method.bits_shape(COVER), 3)
    stego = method.embed(COVER, bits)
    assert ((method.extract(method.load(stego.data)) > 0) == bits).mean() > 0.9


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_ends_in_a_sentence(name: str) -> None:
    if importlib.util.find_spec(PACKAGES[name]):
        pytest.skip("the package is installed")
    method = load_method(name)
    with pytest.raises(OptionError, match=r"pip install 'latentink\[watermarks\]'"):
        method.embed(COVER, np.zeros(method.bits_shape(COVER), dtype=np.uint8))
