from __future__ import annotations

import io

import conseal
import numpy as np
import pytest
from PIL import Image

from latentink.errors import OptionError, PictureError
from latentink.methods.adaptive import (
    Hill,
    JUniward,
    NsF5,
    SUniward,
    decoded_luminance,
    optimal_changes,
    read_coefficients,
    write_coefficients,
)
from latentink.methods.method import random_bits
from latentink.methods.saving import Jpeg, eight_bits
from photos import astronaut

PIXELS = [SUniward, Hill]
COEFFICIENTS = [JUniward, NsF5]
ALL = PIXELS + COEFFICIENTS


def embedded(method, cover, seed=3):
    return method.embed(cover, random_bits(method.bits_shape(cover), 1), seed)


def entropy(*probabilities: np.ndarray) -> float:
    """The payload in bits of independent changes with these probabilities, no change the rest."""
    both = np.stack([*probabilities, 1 - sum(probabilities)])
    return float(-(both * np.log2(np.maximum(both, 1e-300))).sum())


def optimal_probabilities(costs, payload: float):
    """λ by bisection on the entropy: the same optimum found without conseal's search."""
    low, high = 0.0, 1e6
    for _ in range(200):
        weight = (low + high) / 2
        weights = [np.exp(-weight * cost) for cost in costs]
        probabilities = [w / (1 + sum(weights)) for w in weights]
        low, high = (weight, high) if entropy(*probabilities) > payload else (low, weight)
    return probabilities


@pytest.mark.parametrize("kind", PIXELS)
@pytest.mark.parametrize("rate", [0.1, 0.4, 1.5])
def test_pixels_change_as_often_as_the_optimal_coder_would(kind, rate):
    cover, method = astronaut(height=96, width=128), kind(rate)
    change = eight_bits(embedded(method, cover).picture).astype(int) - cover
    assert set(np.unique(change)) == {-1, 0, 1}
    for sign, chance in zip(
        (1, -1), optimal_probabilities(method.costs(cover), rate * 96 * 128), strict=True
    ):
        expected, spread = chance.sum(), np.sqrt((chance * (1 - chance)).sum())
        assert abs((change == sign).sum() - expected) < 4 * spread + 0.01 * expected


@pytest.mark.parametrize("rate", [0.1, 0.4, 1.0])
def test_j_uniward_changes_as_often_as_the_optimal_coder_would(rate):
    cover, method = astronaut(height=96, width=128), JUniward(rate)
    before = read_coefficients(method.plain(cover).data)
    change = read_coefficients(embedded(method, cover).data).Y.astype(int) - before.Y
    assert set(np.unique(change)) == {-1, 0, 1}
    (payload,) = method.bits_shape(cover)
    for sign, chance in zip(
        (1, -1), optimal_probabilities(method.costs(before), payload), strict=True
    ):
        expected, spread = chance.sum(), np.sqrt((chance * (1 - chance)).sum())
        assert abs((change == sign).sum() - expected) < 4 * spread + 0.01 * expected


@pytest.mark.parametrize(
    ("rate", "change_rate"), [(0.01, 0.000861), (0.4, 0.079383), (0.9, 0.316019)]
)
def test_nsf5_changes_on_the_coding_bound(rate, change_rate):
    """Change rates are solutions of H(β) = rate, the binary entropy."""
    assert entropy(np.array(change_rate)) == pytest.approx(rate, rel=1e-3)
    cover, method = astronaut(), NsF5(rate)
    before = read_coefficients(method.plain(cover).data).Y.astype(int)
    after = read_coefficients(embedded(method, cover).data).Y.astype(int)
    places = before != 0
    places[..., 0, 0] = False
    changed = after != before
    assert not changed[~places].any()
    np.testing.assert_array_equal(np.abs(after)[changed], np.abs(before)[changed] - 1)
    assert changed.sum() == pytest.approx(change_rate * places.sum(), abs=1 + 1e-3 * places.sum())


def test_the_changes_are_conseals():
    costs = Hill().costs(astronaut(height=64, width=64))
    places = costs[0].size
    expected = conseal.simulate.ternary(rhos=costs, alpha=0.2, n=places, seed=5)
    np.testing.assert_array_equal(
        optimal_changes(costs, round(0.2 * places), places, seed=5), expected
    )


@pytest.mark.parametrize("kind", PIXELS)
def test_texture_changes_more_than_flat_sky(kind):
    cover = astronaut(height=64, width=64)
    cover[:, :32] = np.random.default_rng(0).integers(60, 200, (64, 32, 3))
    cover[:, 32:] = cover[:, 32:] // 16 + 100
    change = eight_bits(embedded(kind(), cover).picture) != cover
    assert change[:, :28].mean() > 10 * change[:, 36:].mean()


@pytest.mark.parametrize("kind", PIXELS)
def test_ends_of_the_scale_do_not_wrap(kind):
    cover = ((astronaut(height=64, width=64).astype(int) - 128) * 2 + 128).clip(0, 255)
    cover = cover.astype(np.uint8)
    assert np.isin(cover, (0, 255)).mean() > 0.1
    change = eight_bits(embedded(kind(1.0), cover).picture).astype(int) - cover
    assert np.any(change)
    assert np.abs(change).max() == 1


@pytest.mark.parametrize("kind", COEFFICIENTS)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("size", [(64, 64), (50, 75)])
def test_colour_tables_and_size_of_the_jpeg_stay(kind, subsampling, size):
    cover = astronaut(height=size[0], width=size[1])
    method = kind(saving=Jpeg(75, subsampling))
    stego = embedded(method, cover)
    before, after = read_coefficients(method.plain(cover).data), read_coefficients(stego.data)
    assert not np.array_equal(after.Y, before.Y)
    for name in ("Cb", "Cr", "qt"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert stego.picture.shape == cover.shape
    assert len(stego.data) == pytest.approx(len(method.plain(cover).data), rel=0.1)
    with Image.open(io.BytesIO(stego.data)) as image:
        np.testing.assert_array_equal(np.asarray(image), eight_bits(stego.picture))


@pytest.mark.parametrize("size", [(64, 64), (50, 75)])
def test_unchanged_coefficients_give_a_file_of_pillows_size(size):
    data = Jpeg(90).encode(astronaut(height=size[0], width=size[1]) / np.float32(255))
    written = write_coefficients(read_coefficients(data))
    assert len(written) == len(data)
    np.testing.assert_array_equal(Jpeg(90).decode(written), Jpeg(90).decode(data))


def test_costs_see_the_decoded_luminance():
    """A grey JPEG decodes to its luminance; libjpeg's integer transform may differ by 1."""
    grey = np.repeat(astronaut(height=64, width=72)[..., :1], 3, axis=2)
    data = Jpeg(90).encode(grey / np.float32(255))
    expected = eight_bits(Jpeg(90).decode(data))[..., 0].astype(int)
    assert np.abs(decoded_luminance(read_coefficients(data)) - expected).max() <= 1


@pytest.mark.parametrize("kind", ALL)
def test_same_seed_same_bytes(kind):
    cover, method = astronaut(height=64, width=64), kind()
    first, again, other = (embedded(method, cover, seed).data for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("kind", ALL)
def test_payload_follows_the_rate(kind):
    cover = astronaut(height=64, width=64)
    (low,), (high,) = kind(0.2).bits_shape(cover), kind(0.4).bits_shape(cover)
    assert high == pytest.approx(2 * low, abs=1)
    if kind in PIXELS:
        assert high == round(0.4 * 64 * 64)


@pytest.mark.parametrize("kind", ALL)
def test_nothing_to_extract(kind):
    method = kind()
    stego = embedded(method, astronaut(height=32, width=32))
    assert method.simulated
    with pytest.raises(OptionError, match="only simulated"):
        method.extract(method.load(stego.data))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("rate", [0, -0.1, 3.1, float("nan")])
def test_refuses_other_rates(kind, rate):
    with pytest.raises(OptionError, match="takes a rate above 0"):
        kind(rate)


@pytest.mark.parametrize("kind", [Hill, JUniward, NsF5])
def test_refuses_a_flat_cover(kind):
    with pytest.raises(OptionError, match="too flat"):
        embedded(kind(), np.full((32, 32, 3), 128, np.uint8))


@pytest.mark.parametrize("kind", ALL)
def test_refuses_another_number_of_bits(kind):
    with pytest.raises(OptionError, match="takes bits of shape"):
        kind().embed(astronaut(height=32, width=32), random_bits((7,), 0))


@pytest.mark.parametrize("kind", ALL)
def test_refuses_a_file_that_is_no_picture(kind):
    with pytest.raises(PictureError, match="not a picture"):
        kind().load(b"nothing of the kind")
