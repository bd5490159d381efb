from __future__ import annotations

import numpy as np
import pytest

from latentink.codecs.entropy_model import Latents
from latentink.losses.rate import information
from latentink.steganalysis.latent_domain.symbol_model import (
    SymbolModel,
    expectations,
    model_symbols,
)
from latentink.steganalysis.latent_domain.symbol_statistics import (
    excess_energy,
    excess_information,
    first_order,
    magnitude_histogram,
    parities,
    pass_differences,
    probability_histogram,
    residues,
)

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


def model_of(latents: Latents) -> SymbolModel:
    return model_symbols(latents, SCALES)


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
    assert pass_differences(model, drift, passes)[2] < -0.2
    assert not pass_differences(model, drift, [places]).any()
