from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
import torch

from latentink.codecs.hyperprior import HyperpriorCodec, Latents
from latentink.container import QUALITY_UNIT
from latentink.errors import ContainerError, OptionError
from latentink.losses.rate import gaussian_bits
from latentink.metrics.distortion import psnr_db
from latentink.picture import to_picture, to_tensor
from photos import astronaut


def analysed(codec: HyperpriorCodec, picture: np.ndarray, quality: float) -> Latents:
    y = codec.analyse(to_tensor(picture))
    code = codec.quality_code(quality)
    return Latents(codec.quantise(y, code), codec.hyper_analyse(y), code)


@contextmanager
def backend(threads: int, onednn: bool) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.backends.mkldnn.flags(enabled=onednn):
            yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (100, 61), (256, 256)])
@pytest.mark.parametrize("quality", [3, 4.3, 8])
def test_symbols_come_back_exactly(hyperprior, size, quality):
    picture = astronaut(height=size[0], width=size[1])
    latents = analysed(hyperprior, picture, quality)
    decoded = hyperprior.decode(*hyperprior.encode(latents), *size, latents.quality)
    np.testing.assert_array_equal(decoded.y, latents.y)
    np.testing.assert_array_equal(decoded.z, latents.z)
    assert hyperprior.synthesise(decoded.y, decoded.quality, size).shape == (1, 3, *size)


def test_better_quality_costs_more_and_looks_better(hyperprior):
    picture = astronaut()
    points = []
    for quality in (3, 5, 6.5, 8):
        latents = analysed(hyperprior, picture, quality)
        size = sum(map(len, hyperprior.encode(latents)))
        decoded = to_picture(hyperprior.synthesise(latents.y, latents.quality, (256, 256)))
        points.append((size, psnr_db(picture, decoded)))
    assert points == sorted(points)
    assert points[-1][0] > 1.5 * points[0][0]
    assert points[0][1] > 28
    assert all(later[1] > earlier[1] for earlier, later in pairwise(points))


@pytest.mark.parametrize("quality", [3, 5, 8])
def test_the_rate_is_the_file_size_within_one_percent(hyperprior, quality):
    latents = analysed(hyperprior, astronaut(height=512, width=400), quality)
    parameters = hyperprior.entropy_parameters(latents.z, latents.y.shape[1:], latents.quality)
    estimated = float(gaussian_bits(torch.from_numpy(latents.y)[None].float(), parameters.scales))
    y_stream, _ = hyperprior.encode(latents)
    assert estimated == pytest.approx(8 * len(y_stream), rel=0.01)


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [((1, True), (2, False)), ((2, True), (1, False)), ((2, False), (1, True))],
)
def test_a_file_decodes_under_other_threads_and_backends(hyperprior, sender, receiver):
    picture = astronaut(height=320, width=272)
    with backend(*sender):
        latents = analysed(hyperprior, picture, 4.7)
        streams = hyperprior.encode(latents)
    with backend(*receiver):
        decoded = hyperprior.decode(*streams, 320, 272, latents.quality)
    np.testing.assert_array_equal(decoded.y, latents.y)


def test_entropy_parameters_do_not_depend_on_threads_backend_or_layout(hyperprior):
    latents = analysed(hyperprior, astronaut(height=320, width=272), 5)
    shape = latents.y.shape[1:]
    reference = hyperprior.entropy_parameters(latents.z, shape, latents.quality)
    # The exact network's own output, to the last bit, before it is turned into table rows.
    hyper_latent = torch.from_numpy(latents.z).double()[None]
    exact = hyperprior.h_s(hyper_latent)
    for threads in (1, 2):
        for onednn in (True, False):
            with backend(threads, onednn):
                again = hyperprior.entropy_parameters(latents.z, shape, latents.quality)
                np.testing.assert_array_equal(again.indexes, reference.indexes)
                last = hyper_latent.contiguous(memory_format=torch.channels_last)
                assert torch.equal(hyperprior.h_s(last), exact)


def test_exact_arithmetic_does_not_depend_on_the_order_of_sums(hyperprior):
    latents = analysed(hyperprior, astronaut(), 5)
    hyper_latent = torch.from_numpy(latents.z).double()[None]
    whole = hyperprior.h_s(hyper_latent)
    # A crop with a wide halo sums the same products in other blocks.
    part = hyperprior.h_s(hyper_latent[..., :, :3])
    assert torch.equal(whole[..., :, :4], part[..., :, :4])
    assert torch.equal(whole, whole.round(decimals=10))


def test_tiles_leave_no_seams(hyperprior):
    tile = astronaut(height=512, width=412)
    picture = np.concatenate([tile, tile[:, ::-1], tile, tile[::-1]], axis=1)
    tensor = to_tensor(picture)
    in_tiles = hyperprior.analyse(tensor)
    with torch.no_grad():
        at_once = hyperprior.g_a(tensor)
    torch.testing.assert_close(in_tiles, at_once, atol=1e-4, rtol=0)
    code = hyperprior.quality_code(5)
    symbols = hyperprior.quantise(in_tiles, code)
    tiled = hyperprior.synthesise(symbols, code, picture.shape[:2])
    latent = (torch.from_numpy(symbols).double()[None] / hyperprior.gain(code)).float()
    with torch.no_grad():
        whole = hyperprior.g_s(latent).clamp(0, 1)
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)


def test_extreme_symbols_survive_the_coder(hyperprior):
    latents = analysed(hyperprior, astronaut(), 5)
    latents.y[:4] = 32767
    latents.y[4:8] = -32767
    latents.z[0] = 4000
    decoded = hyperprior.decode(*hyperprior.encode(latents), 256, 256, latents.quality)
    np.testing.assert_array_equal(decoded.y, latents.y)
    np.testing.assert_array_equal(decoded.z, latents.z)


def test_quality_out_of_range_is_refused(hyperprior):
    with pytest.raises(OptionError, match="choose 3 to 8"):
        hyperprior.quality_code(2.5)
    with pytest.raises(ContainerError):
        hyperprior.gain(round(9 / QUALITY_UNIT))


def test_lagrangian_follows_compressai(hyperprior):
    assert hyperprior.lagrangian(hyperprior.quality_code(5)) == pytest.approx(0.025)
    between = hyperprior.lagrangian(hyperprior.quality_code(5.5))
    assert between == pytest.approx((0.025 * 0.0483) ** 0.5)
