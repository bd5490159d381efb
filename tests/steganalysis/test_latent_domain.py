from __future__ import annotations

import numpy as np
import pytest

import latentink
from latentink.codecs.codec import Codec, Latents
from latentink.errors import OptionError
from latentink.losses.rate import information
from latentink.picture import encode_png
from latentink.steganalysis.detector import Evidence
from latentink.steganalysis.latent_domain import (
    FEWEST_FILES,
    LatentDomainDetector,
    Model,
    excess_energy,
    excess_information,
    expectations,
    first_order,
    fit_discriminant,
    magnitude_histogram,
    modelled,
    parities,
    passes_apart,
    probability_histogram,
    residues,
    shrunk_covariance,
)
from photos import astronaut

SCALES = np.geomspace(0.11, 20, 24)


def drawn(seed: int = 0) -> Latents:
    """Symbols that are just what the entropy model says."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(SCALES), (24, 48, 48)).astype(np.uint8)
    y = np.rint(rng.normal(size=rows.shape) * SCALES[rows]).astype(np.int32)
    return Latents(y, np.zeros((1, 12, 12), np.int32), 1280, y.astype(np.float32), rows)


def with_even_symbols(latents: Latents) -> Latents:
    """As a message of zeros in the parities of all symbols would leave them."""
    y = latents.y - latents.y % 2
    return Latents(y, latents.z, latents.quality_code, y.astype(np.float32), latents.indexes)


def shown(data: bytes) -> Evidence:
    return Evidence(data, latentink.decompress(data))


def model_of(latents: Latents) -> Model:
    return modelled(latents, SCALES)


def test_expectations_are_those_of_rounded_gaussians():
    expected = expectations(SCALES)
    wide, narrow = -1, 0
    # A fine quantiser's entropy is that of the density: log2(σ·√(2πe)).
    assert expected.information[wide] == pytest.approx(
        np.log2(20 * np.sqrt(2 * np.pi * np.e)), 1e-3
    )
    assert expected.energy[wide] == pytest.approx(400 + 1 / 12, 1e-3)
    assert expected.odd[wide] == pytest.approx(0.5, abs=1e-6)
    assert expected.double_odd[wide] == pytest.approx(0.25, abs=1e-6)
    assert expected.magnitudes[narrow, 0] == pytest.approx(1, abs=1e-4)
    assert expected.information[narrow] < 1e-3


def test_symbols_drawn_from_the_model_have_statistics_near_zero():
    statistics = first_order(model_of(drawn()))
    assert np.abs(statistics).max() < 0.06


@pytest.mark.parametrize("group", [parities, residues, magnitude_histogram, excess_energy])
def test_even_symbols_show(group):
    calm, told = group(model_of(drawn())), group(model_of(with_even_symbols(drawn())))
    assert np.abs(told).max() > 3 * np.abs(calm).max()


def test_excess_information_is_what_a_file_costs_above_its_entropy():
    latents = drawn()
    wider = Latents(3 * latents.y, latents.z, 1280, latents.values, latents.indexes)
    found = excess_information(model_of(wider))[7]  # σ above 6
    chosen = SCALES[latents.indexes] > 6
    bits = information(wider.y[chosen], SCALES[latents.indexes][chosen]).mean()
    entropy = expectations(SCALES).information[latents.indexes[chosen]].mean()
    assert found == pytest.approx(bits - entropy, rel=0.02)
    assert found > 1


def test_symbols_wider_than_expected_fill_the_last_bin():
    latents = drawn()
    wider = Latents(3 * latents.y, latents.z, 1280, latents.values, latents.indexes)
    histogram = probability_histogram(model_of(wider)).reshape(8, -1)  # bins, classes by rank
    assert histogram[-1, 2:].min() > 0.15
    assert histogram[:, 2:].sum(axis=0) == pytest.approx(0, abs=1e-9)


def test_ranks_put_the_largest_scales_first():
    model = model_of(drawn())
    assert model.by_rank[model.scales > 15].max() < model.by_rank[model.scales < 5].min()
    assert (model.by_rank == 6).mean() == pytest.approx(3 / 4, abs=0.05)


def test_passes_are_told_apart():
    latents = drawn()
    places = np.arange(latents.y.size)
    passes = [places[0::2], places[1::2]]
    y = latents.y.ravel().copy()
    y[passes[0]] -= y[passes[0]] % 2
    model = model_of(
        Latents(y.reshape(latents.y.shape), latents.z, 1, latents.values, latents.indexes)
    )
    drift = np.zeros(latents.y.shape)
    assert passes_apart(model, drift, passes)[2] < -0.2
    assert not passes_apart(model, drift, [places]).any()


def test_the_discriminant_finds_a_direction_among_many_features():
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(60, 60))
    shift = mixing[0]  # Covered by as much noise as every other direction.

    def examples(count: int, stego: bool) -> np.ndarray:
        return rng.normal(size=(count, 60)) @ mixing + 5 * stego * shift

    found = fit_discriminant(examples(30, False), examples(30, True))
    calm = np.array([found.score(x) for x in examples(200, False)])
    told = np.array([found.score(x) for x in examples(200, True)])
    assert np.mean(calm <= 0) / 2 + np.mean(told > 0) / 2 > 0.8


def test_a_feature_that_never_changes_or_is_far_off_does_no_harm():
    rng = np.random.default_rng(2)
    covers, stegos = rng.normal(size=(2, 20, 3))
    stegos[:, 0] += 4
    covers[:, 1] = stegos[:, 1] = 7.0
    found = fit_discriminant(covers, stegos)
    assert found.score(np.array([4.0, 7.0, 0.0])) > 0 > found.score(np.array([0.0, 7.0, 0.0]))
    assert found.score(np.array([4.0, 1e9, 0.0])) == found.score(np.array([4.0, 7.0, 0.0]))
    alike = fit_discriminant(np.ones((9, 3)), np.ones((9, 3)))
    assert alike.score(np.ones(3)) == 0


def test_covariance_of_few_examples_is_shrunk_and_of_many_is_not():
    rng = np.random.default_rng(3)
    true = np.diag([1.0, 2.0, 3.0, 4.0])
    many = shrunk_covariance(rng.normal(size=(20000, 4)) @ np.sqrt(true))
    assert many == pytest.approx(true, abs=0.15)
    few = shrunk_covariance(rng.normal(size=(10, 40)))
    assert np.linalg.cond(few) < 30  # The plain one has no inverse.


def test_stego_files_are_told_from_plain_ones():
    """Crops of one photo: the upper half to learn from, the lower half to be tested on."""

    def files(top: int, count: int) -> tuple[list[Evidence], list[Evidence]]:
        covers, stegos = [], []
        for n in range(count):
            crop = astronaut(top + 128 * (n % 2), 128 * (n // 2), 128, 128)
            message = np.random.default_rng(n).bytes(1000)
            options = latentink.HideOptions(channel="latents", steps=0)
            stegos.append(shown(latentink.hide(crop, message, options=options).data))
            covers.append(shown(latentink.compress(crop).data))
        return covers, stegos

    detector = LatentDomainDetector()
    detector.fit(*files(0, FEWEST_FILES), seed=0)
    covers, stegos = files(256, 4)
    calm = [detector.score(one) for one in covers]
    told = [detector.score(one) for one in stegos]
    assert np.mean(np.array(calm) <= 0) / 2 + np.mean(np.array(told) > 0) / 2 >= 0.8
    assert detector.score(stegos[0]) == told[0]


def test_every_codec_gives_as_many_numbers(codec: Codec):
    name = codec.name
    files = [
        shown(latentink.compress(astronaut(0, 100, height, 80), codec=name, quality=quality).data)
        for height, quality in ((64, codec.qualities[0]), (40, codec.qualities[-1]))
    ]
    features = [LatentDomainDetector().features_of(file) for file in files]
    assert features[0].shape == features[1].shape
    assert np.isfinite(features).all()
    assert np.array_equal(LatentDomainDetector().features_of(files[0]), features[0])


def test_what_is_wrong_is_said():
    detector = LatentDomainDetector()
    photo = astronaut(0, 100, 64, 64)
    file = latentink.compress(astronaut(0, 100, 48, 64)).data
    with pytest.raises(OptionError, match=r"\.lik files"):
        detector.score(Evidence(encode_png(photo), photo))
    with pytest.raises(OptionError, match="decompress the file"):
        detector.score(Evidence(file, photo))
    with pytest.raises(OptionError, match="fit it first"):
        detector.score_features(np.zeros(5))
    with pytest.raises(OptionError, match="7 covers and 9 stegos are too few"):
        detector.fit_features(np.zeros((7, 5)), np.zeros((9, 5)))
    with pytest.raises(OptionError, match="too few"):
        detector.fit([], [], seed=0)
