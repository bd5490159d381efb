"""The robust channel behind the interface of all methods."""

from __future__ import annotations

import numpy as np
import pytest

from latentink.attacks.attack import Attack, jpeg
from latentink.errors import MessageNotFoundError
from latentink.methods.method import random_bits
from latentink.methods.registry import load_method
from latentink.methods.saving import eight_bits
from latentink.picture import encode_png
from photos import astronaut

COVER = astronaut(0, 0, 384, 384)


@pytest.mark.parametrize("name", ["robust-web", "robust-messenger"])
def test_all_bits_come_back_after_jpeg(name: str) -> None:
    method = load_method(name)
    bits = random_bits(method.bits_shape(COVER), 3)
    assert bits.size > 0
    stego = method.embed(COVER, bits, seed=1)
    assert np.array_equal(method.extract(stego) > 0, bits == 1)
    left = Attack("JPEG 75", (jpeg(75),)).apply(eight_bits(stego.picture))
    assert np.array_equal(method.extract(method.load(encode_png(left))) > 0, bits == 1)
    assert method.embed(COVER, bits, seed=1).data == stego.data


def test_a_plain_file_holds_nothing() -> None:
    method = load_method("robust-messenger")
    with pytest.raises(MessageNotFoundError):
        method.extract(method.plain(COVER))
