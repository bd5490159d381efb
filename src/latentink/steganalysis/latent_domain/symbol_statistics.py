"""The statistics that the detector ``latents`` learns from.

Most are means over a class of symbols, by scale σ or by rank of the scale within the file, of what
departs from the entropy model's expectation. "Drift" is v′ − v̂: how far the latent of the
re-analysed picture lies from the file's own values, in units of symbols.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import ndtr

from latentink.codecs.codec import Codec
from latentink.codecs.entropy_model import Latents
from latentink.picture import to_tensor
from latentink.steganalysis.latent_domain.symbol_model import (
    MAGNITUDES,
    RANK_CLASSES,
    SCALE_CLASSES,
    SymbolModel,
    model_symbols,
)

_BINS = 8
_CHANNEL_GROUPS = 12
# Added to the number of symbols of a class, so that the means of small classes are near 0.
_FEW = 30
# Values further from the mean than this, in standard deviations, are clipped to it.
_FAR = 5.0
_HIGH_RANK = 4  # Classes by rank 0 to 4 are the 1/8 of the symbols with the largest scales.


def symbol_statistics(codec: Codec, latents: Latents, picture: np.ndarray) -> np.ndarray:
    """Return all statistics (495,) float64 of a file.

    Args:
        codec: the codec of the file.
        latents: the latents in the file.
        picture: (H, W, 3) uint8, what they decode to.
    """
    model = model_symbols(latents, codec.entropy.scales)
    v = codec.analyse(to_tensor(picture), latents.quality_code)
    z = codec.hyper_analyse(v)
    again = codec.quantise(v, z, latents.quality_code)
    reference = model_symbols(again, codec.entropy.scales)
    drift = v[0].double().numpy() - latents.values
    own, plain = first_order(model), first_order(reference)
    statistics = np.concatenate(
        [
            own,
            own - plain,
            neighbour_correlations(model),
            pass_differences(model, drift, codec.entropy.passes(model.y.shape)),
            channel_group_means(model, drift),
            hyper_latent_differences(codec, latents, z),
            scale_differences(model, reference),
            drift_means(model, drift),
        ]
    )
    return np.nan_to_num(statistics, posinf=0.0, neginf=0.0)


def first_order(model: SymbolModel) -> np.ndarray:
    """Return the statistics of single symbols, those that are calibrated."""
    return np.concatenate(
        [
            excess_information(model),
            excess_energy(model),
            probability_histogram(model),
            parities(model),
            residues(model),
            magnitude_histogram(model),
        ]
    )


def class_means(values: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    """Return the mean (count,) of ``values`` in each class; small classes are drawn towards 0."""
    sums = np.bincount(classes.ravel(), weights=values.ravel(), minlength=count)
    return sums / (np.bincount(classes.ravel(), minlength=count) + _FEW)


def rank_means(values: np.ndarray, model: SymbolModel) -> np.ndarray:
    """Return the means of ``values`` (M, h, w) in the classes by rank."""
    return class_means(values, model.by_rank, RANK_CLASSES)


def scale_and_rank_means(values: np.ndarray, model: SymbolModel) -> np.ndarray:
    """Return the means of ``values`` (M, h, w) in the classes by scale, then by rank."""
    by_scale = class_means(values, model.by_scale, SCALE_CLASSES)
    return np.concatenate([by_scale, rank_means(values, model)])


def excess_information(model: SymbolModel) -> np.ndarray:
    """Return the bits that symbols cost above their entropy, by scale and by rank."""
    return scale_and_rank_means(model.excess, model)


def excess_energy(model: SymbolModel) -> np.ndarray:
    """Return how much wider than expected the symbols are distributed, by scale and by rank."""
    return scale_and_rank_means(model.energy, model)


def parities(model: SymbolModel) -> np.ndarray:
    """Return the share of odd symbols less its expectation, by scale and by rank."""
    return scale_and_rank_means(model.odd, model)


def residues(model: SymbolModel) -> np.ndarray:
    """Return two statistics of the symbols modulo 4, by rank.

    The share of residue 2 less its expectation, and the share of residue 1 less that of residue 3.
    """
    residue = np.mod(model.y, 4)
    double_odd = (residue == 2) - model.expected.double_odd[model.rows]
    lean = (residue == 1).astype(np.float64) - (residue == 3)
    return np.concatenate([rank_means(values, model) for values in (double_odd, lean)])


def magnitude_histogram(model: SymbolModel) -> np.ndarray:
    """Return the shares of |s| = 0, 1, 2, … less their expectations, by rank.

    Replacing lowest bits makes the two values of a pair equally frequent, which shows in the
    difference of two of these shares.
    """
    magnitude = np.abs(model.y)
    return np.concatenate(
        [
            rank_means((magnitude == m) - model.expected.magnitudes[model.rows, m], model)
            for m in range(MAGNITUDES)
        ]
    )


def probability_histogram(model: SymbolModel) -> np.ndarray:
    """Return the histogram of the probability integral transform less 1/bins, by rank.

    Each magnitude is spread evenly over the probabilities between that of a smaller magnitude and
    that of one at most as large, which needs no random numbers: Czado, Gneiting, Held, "Predictive
    model assessment for count data", Biometrics 65, 2009, section 2.1.
    """
    magnitude = np.abs(model.y)
    upper = 1 - 2 * ndtr((-0.5 - magnitude) / model.scales)
    lower = np.where(magnitude > 0, 1 - 2 * ndtr((0.5 - magnitude) / model.scales), 0.0)
    width = np.maximum(upper - lower, 1e-12)
    below = np.zeros_like(upper)
    histogram = []
    for edge in np.arange(1, _BINS + 1) / _BINS:
        # The last bin takes all that is left, also where rounding leaves its interval no width.
        reached = np.clip((edge - lower) / width, 0, 1) if edge < 1 else 1.0
        histogram.append(rank_means(reached - below - 1 / _BINS, model))
        below = reached
    return np.concatenate(histogram)


def neighbour_correlations(model: SymbolModel) -> np.ndarray:
    """Return the correlations of symbols with the next one in each of the three directions.

    The directions are channel, row and column. For each of magnitudes, parities and signed values,
    standardised by their expectations: over all symbols, and over those where both scales are among
    the largest 1/8.
    """
    expected, rows = model.expected, model.rows
    deviation = np.sqrt(expected.energy - np.square(expected.magnitude))[rows] + 0.1
    magnitude = np.clip((np.abs(model.y) - expected.magnitude[rows]) / deviation, -_FAR, _FAR)
    sign = np.clip(model.y / (np.sqrt(expected.energy)[rows] + 0.1), -_FAR, _FAR)
    high = model.by_rank <= _HIGH_RANK
    found = []
    for field in (magnitude, model.odd, sign):
        for axis in range(3):
            size = field.shape[axis]
            if size < 2:
                found += [0.0, 0.0]
                continue
            first, second = np.arange(size - 1), np.arange(1, size)
            product = field.take(first, axis) * field.take(second, axis)
            both = high.take(first, axis) & high.take(second, axis)
            found.append(product.sum() / (product.size + _FEW))
            found.append(product[both].sum() / (np.count_nonzero(both) + _FEW))
    return np.array(found)


def pass_differences(
    model: SymbolModel, drift: np.ndarray, passes: Sequence[np.ndarray]
) -> np.ndarray:
    """Return how anchors differ from the other symbols: excess bits, energy, parity and drift.

    ELIC codes anchors and the others in alternating passes. A codec with one pass gives zeros.

    Args:
        model: the symbols.
        drift: (M, h, w).
        passes: flat indices of the symbols of each pass.
    """
    if len(passes) < 2:
        return np.zeros(4)
    anchors, others = np.concatenate(passes[0::2]), np.concatenate(passes[1::2])
    fields = (model.excess, model.energy, model.odd, np.abs(drift))
    return np.array([f.ravel()[anchors].mean() - f.ravel()[others].mean() for f in fields])


def channel_group_means(model: SymbolModel, drift: np.ndarray) -> np.ndarray:
    """Return share of the bits, excess bits, energy and drift of groups of channels.

    Channels are grouped by the bits that the model expects of them in this file.
    """
    expected = model.expected.information[model.rows].sum(axis=(1, 2))
    groups = np.array_split(np.argsort(-expected, kind="stable"), _CHANNEL_GROUPS)
    excess, energy, moved = model.excess, model.energy, np.abs(drift)
    total = expected.sum() + excess.sum()
    share = [(expected[g].sum() + excess[g].sum()) / total for g in groups]
    means = [[field[g].mean() for g in groups] for field in (excess, energy, moved)]
    return np.concatenate([share, *means])


def hyper_latent_differences(codec: Codec, latents: Latents, z_again: np.ndarray) -> np.ndarray:
    """Return how the hyper-latent in the file differs from what the codec would compute.

    A plain encoder computes it from v before rounding; here it is computed from the file's rounded
    values, and from the re-analysed picture (``z_again``).
    """
    z_values = codec.hyper_analyse(torch.from_numpy(latents.values)[None])
    found = []
    for other in (z_values, z_again):
        moved = (latents.z - other).astype(np.float64)
        found += [moved.mean(), np.abs(moved).mean(), np.square(moved).mean(), (moved != 0).mean()]
    return np.array(found)


def scale_differences(model: SymbolModel, reference: SymbolModel) -> np.ndarray:
    """Return the means of log σ′/σ and of its magnitude, by rank; σ′ is the reference's scale."""
    ratio = np.log(reference.scales / model.scales)
    return np.concatenate([rank_means(values, model) for values in (ratio, np.abs(ratio))])


def drift_means(model: SymbolModel, drift: np.ndarray) -> np.ndarray:
    """Return five statistics of the drift (M, h, w), by scale and by rank.

    Its magnitude, its square, the share that rounds to another symbol, the share beyond 1, and its
    component away from 0.
    """
    moved = np.abs(drift)
    fields = (
        moved,
        np.minimum(np.square(drift), 25.0),
        (moved > 0.5).astype(np.float64),
        (moved > 1).astype(np.float64),
        np.clip(drift * np.sign(model.y), -_FAR, _FAR),
    )
    return np.concatenate([scale_and_rank_means(field, model) for field in fields])
