from __future__ import annotations

from dataclasses import replace

import pytest

from latentink.methods.method import random_bits
from latentink.methods.paper import PaperMethod
from latentink.methods.registry import load_method
from latentink.metrics.raw_bits import raw_accuracy
from latentink.steganography import decompress
from photos import astronaut

COVER = astronaut()[:64, :64]


@pytest.mark.parametrize("name", ["hyperbase-5", "elicbase-5"])
def test_a_few_steps_move_bits_into_the_decoded_picture(name: str) -> None:
    full = load_method(name)
    assert isinstance(full, PaperMethod)
    short = replace(full.preset, steps=20, learning_rate=5e-2)
    method = replace(full, preset=short)
    bits = random_bits(method.bits_shape(COVER), 1)
    stego = method.embed(COVER, bits)
    received = method.load(stego.data)
    assert (received.picture * 255).round().astype("uint8").tobytes() == decompress(
        stego.data
    ).tobytes()
    assert raw_accuracy(method.extract(received), bits) > 0.56
    assert method.embed(COVER, bits).data == stego.data


@pytest.mark.parametrize("name", ["hyperbase-3", "elicbase-3"])
def test_a_hyper_latent_of_the_edited_latent_makes_files_smaller(name: str) -> None:
    full = load_method(name)
    assert isinstance(full, PaperMethod)
    bits = random_bits(full.bits_shape(COVER), 1)
    sizes = {
        steps: len(
            replace(full, preset=replace(full.preset, steps=20, hyper_steps=steps))
            .embed(COVER, bits)
            .data
        )
        for steps in (0, 5)
    }
    assert sizes[5] < sizes[0]
