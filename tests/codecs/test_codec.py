"""What each codec promises, tested on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from latentink.codecs import fixed_point
from latentink.codecs.codec import Codec
from latentink.codecs.entropy_model import Latents
from latentink.container import QUALITY_UNIT
from latentink.errors import ContainerError, OptionError
from latentink.geometry import Rectangle
from latentink.picture import psnr_db, to_picture, to_tensor
from latentink.relaxations.straight_through import straight_through
from photos import astronaut


def analysed(codec: Codec, picture: np.ndarray, quality: float) -> Latents:
    code = codec.quality_code(quality)
    v = codec.analyse(to_tensor(picture), code)
    return codec.quantise(v, codec.hyper_analyse(v), code)


def assert_equal(decoded: Latents, sent: Latents) -> None:
    for name in ("y", "z", "values", "indexes"):
        np.testing.assert_array_equal(getattr(decoded, name), getattr(sent, name), name)


@contextmanager
def backend(threads: int, onednn: bool) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.backends.mkldnn.flags(enabled=onednn), threadpool_limits(threads, "blas"):
            yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (100, 61), (256, 256)])
@pytest.mark.parametrize("quality", [1, 4.3, 8])
def test_latents_come_back_exactly(codec, size, quality):
    picture = astronaut(height=size[0], width=size[1])
    latents = analysed(codec, picture, quality)
    decoded = codec.entropy.decode(codec.entropy.encode(latents), *size, latents.quality_code)
    assert_equal(decoded, latents)
    assert codec.synthesise(decoded.values, decoded.quality_code, size).shape == (1, 3, *size)


def test_better_quality_costs_more_and_looks_better(codec):
    picture = astronaut()
    points = []
    for quality in (1, 3, 5, 6.5, 8):
        latents = analysed(codec, picture, quality)
        size = len(codec.entropy.encode(latents))
        decoded = to_picture(codec.synthesise(latents.values, latents.quality_code, (256, 256)))
        points.append((size, psnr_db(picture, decoded)))
    assert points == sorted(points)
    assert points[-1][0] > 1.5 * points[0][0]
    assert points[1][1] > 28
    assert all(later[1] > earlier[1] for earlier, later in pairwise(points))


@pytest.mark.parametrize("quality", [1, 5, 8])
def test_the_relaxed_rate_is_nearly_the_file_size(codec, quality):
    code = codec.quality_code(quality)
    v = codec.analyse(to_tensor(astronaut(height=512, width=400)), code)
    z = codec.hyper_analyse(v)
    size = (v.shape[-2], v.shape[-1])
    relaxed = codec.relax(
        v,
        codec.conditions(codec.entropy.side(z, size)),
        Rectangle(0, 0, *size),
        straight_through,
        straight_through,
    )
    # Without y, whose zeros in row 0 cost next to nothing, z is left.
    latents = codec.quantise(v, z, code)
    without = replace(latents, y=np.zeros_like(latents.y), indexes=np.zeros_like(latents.indexes))
    coded = len(codec.entropy.encode(latents)) - len(codec.entropy.encode(without))
    assert float(relaxed.bits) == pytest.approx(8 * coded, rel=0.02)


def test_relaxed_values_are_the_coded_ones(codec):
    code = codec.quality_code(5)
    v = codec.analyse(to_tensor(astronaut()), code)
    z = codec.hyper_analyse(v)
    side = codec.conditions(codec.entropy.side(z, (16, 16)))
    relaxed = codec.relax(v, side, Rectangle(0, 0, 16, 16), straight_through, straight_through)
    coded = codec.quantise(v, z, code).values
    # In floating point a mean may fall on the other side of a rounding boundary, rarely;
    # ELIC's later means then move a little as well.
    difference = np.abs(relaxed.values[0].numpy() - coded)
    assert (difference > 0.5).mean() < 0.01
    assert difference.mean() < 0.05


def test_the_gradient_reaches_every_latent(codec):
    code = codec.quality_code(5)
    v = codec.analyse(to_tensor(astronaut()), code)
    side = codec.conditions(codec.entropy.side(codec.hyper_analyse(v), (16, 16)))
    v.requires_grad_()
    relaxed = codec.relax(v, side, Rectangle(0, 0, 16, 16), lambda x: x, lambda x: x)
    (relaxed.bits + relaxed.values.square().sum()).backward()
    assert v.grad is not None
    assert (v.grad != 0).float().mean() > 0.99


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [((1, True), (2, False)), ((2, True), (1, False)), ((2, False), (1, True))],
)
def test_a_file_decodes_under_other_threads_and_backends(codec, sender, receiver):
    picture = astronaut(height=320, width=272)
    with backend(*sender):
        latents = analysed(codec, picture, 4.7)
        stream = codec.entropy.encode(latents)
    with backend(*receiver):
        decoded = codec.entropy.decode(stream, 320, 272, latents.quality_code)
    assert_equal(decoded, latents)


def test_the_entropy_model_does_not_depend_on_threads_strips_or_layout(codec, monkeypatch):
    latents = analysed(codec, astronaut(height=320, width=272), 5)
    v = np.asfortranarray(latents.values)
    side = codec.entropy.side(latents.z, (20, 17))
    for threads in (1, 2):
        for column_bytes in (2**12, 2**22):
            monkeypatch.setattr(fixed_point, "_COLUMN_BYTES", column_bytes)
            with threadpool_limits(threads, "blas"):
                made = codec.entropy.side(np.asfortranarray(latents.z), (20, 17))
                np.testing.assert_array_equal(made, side)
                again = codec.entropy.quantise(v, latents.z, latents.quality_code)
                assert_equal(again, latents)


def test_extreme_symbols_survive_the_coder(codec):
    code = codec.quality_code(5)
    v = codec.analyse(to_tensor(astronaut()), code)
    z = codec.hyper_analyse(v)
    z[0] = 4000
    v[:, :4] = 1e6
    v[:, 4:8] = -1e6
    latents = codec.quantise(v, z, code)
    assert (np.abs(latents.y[:8]) == 32767).all()
    decoded = codec.entropy.decode(codec.entropy.encode(latents), 256, 256, code)
    assert_equal(decoded, latents)


def test_quality_out_of_range_is_refused(codec):
    with pytest.raises(OptionError, match="choose 1 to 8"):
        codec.quality_code(0.5)
    with pytest.raises(ContainerError):
        codec.gain(round(9 / QUALITY_UNIT))
