"""An analyst who has the codec and looks at the symbols of a .lik file.

```
                 ┌─► symbols against their Gaussians (Model) ──────────────┐
 file ─► latents ┤        ▲ the same of the re-analysed picture            ├─► Fisher discriminant
                 └─► picture ─ g_a ─► v′, z′: what a plain encoder would ──┘
                                      have written
```

The entropy model says of each symbol how it should be distributed, and what hides there is told by
how the symbols depart from it: messages in residues add noise to the symbols of large scale, an
editor adds symbols that the photo does not call for. Photos depart from the model too, so every
first-order statistic is taken twice: of the file, and of the file that the codec makes of the
decoded picture, whose symbols are near those of a plain file. That is the Cartesian calibration of
Kodovský and Fridrich, "Calibration revisited", ACM MM&Sec 2009, with the codec in place of a
cropped JPEG's.

The quality and the size of a file are not looked at, for a plain file may have any.

Statistics are means over classes of symbols, by scale σ and by rank of scale within the file (the
latents channel fills the largest scales first), over few symbols drawn towards 0. There are 495;
on one core a picture of 512×512 takes 0.5 s with the hyperprior and 2 s with ELIC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr, xlogy

from latentink.codecs.codec import Codec, Latents
from latentink.codecs.registry import codec_of_file
from latentink.container import MAGIC, unpack
from latentink.errors import OptionError
from latentink.losses.rate import information
from latentink.picture import to_tensor
from latentink.steganalysis.detector import Evidence, LearningDetector

FEWEST_FILES = 8
"""Of each class, to fit a discriminant."""

SCALE_EDGES = (0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0)
"""σ between the classes by scale."""

RANK_EDGES = (1 / 128, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)
"""Shares of a file's symbols, those of the largest scales first, between the classes by rank."""

_SCALE_CLASSES, _RANK_CLASSES = len(SCALE_EDGES) + 1, len(RANK_EDGES) + 1
_MAGNITUDES = 7
_BINS = 8
_CHANNEL_GROUPS = 12
# A class of fewer symbols than this says more of chance than of the file.
_FEW = 30
# Values further from the mean, in standard deviations, are taken as that far.
_FAR = 5.0
_HIGH_RANK = 4  # The largest 1/8 of the scales: classes 0 to 4.


class LatentDomainDetector(LearningDetector):
    """Statistics of a .lik file's symbols, and a Fisher discriminant.

    Attributes:
        name: ``"latents"``.
        threshold: 0; the score is the distance from midway between the classes, in standard
            deviations within them.
    """

    name = "latents"
    threshold = 0.0

    def __init__(self, weights: Path | None = None) -> None:
        """Take the codec's weights from ``weights`` where they are neither bundled nor imported."""
        self._weights = weights
        self._discriminant: Discriminant | None = None

    def features_of(self, evidence: Evidence) -> np.ndarray:
        """Return the statistics (n,) float64 of a file, see :func:`statistics`.

        Raises:
            OptionError: the evidence is no .lik file, or its picture is another one.
            ContainerError, WeightsError: as for :func:`latentink.decompress`.
        """
        if evidence.data[: len(MAGIC)] != MAGIC:
            raise OptionError(
                "The detector latents looks at the symbols of .lik files; this is another file."
            )
        file = unpack(evidence.data)
        if evidence.picture.shape != (file.height, file.width, 3):
            raise OptionError("The picture is not that of the .lik file; decompress the file.")
        codec = codec_of_file(file.codec, file.fingerprint, self._weights)
        latents = codec.decode(
            file.y_stream, file.z_stream, file.height, file.width, file.quality_code
        )
        return statistics(codec, latents, evidence.picture)

    def fit(self, covers: Sequence[Evidence], stegos: Sequence[Evidence], seed: int) -> None:
        """Compute the statistics of all examples and see :meth:`fit_features`."""
        self.fit_features(
            np.array([self.features_of(evidence) for evidence in covers]),
            np.array([self.features_of(evidence) for evidence in stegos]),
            seed,
        )

    def fit_features(self, covers: np.ndarray, stegos: np.ndarray, seed: int = 0) -> None:
        """Learn from statistics computed before, by whichever process.

        Args:
            covers: (files, n) of :meth:`features_of`.
            stegos: (files, n); there may be more or fewer.
            seed: not needed, nothing is random.

        Raises:
            OptionError: fewer than ``FEWEST_FILES`` of a class.
        """
        if min(len(covers), len(stegos)) < FEWEST_FILES:
            raise OptionError(
                f"{len(covers)} covers and {len(stegos)} stegos are too few for the detector "
                f"latents to learn from; give it {FEWEST_FILES} of each at least."
            )
        self._discriminant = fit_discriminant(covers, stegos)

    def score(self, evidence: Evidence) -> float:
        """Return the score of a file; see :meth:`score_features`."""
        return self.score_features(self.features_of(evidence))

    def score_features(self, features: np.ndarray) -> float:
        """Return the score of statistics (n,) of :meth:`features_of`: above 0 for a stego.

        Raises:
            OptionError: nothing has been fitted.
        """
        if self._discriminant is None:
            raise OptionError("The detector latents has learned nothing yet; fit it first.")
        return self._discriminant.score(features)


# --- the classifier -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Discriminant:
    """A linear discriminant of standardised features.

    Attributes:
        centre: (n,) mean of the features.
        spread: (n,) standard deviation within the classes, above 0.
        weights: (n,) of the standardised features.
        bias: added to their weighted sum.
    """

    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    bias: float

    def score(self, features: np.ndarray) -> float:
        """Return the score of features (n,)."""
        return float(_standardised(features, self.centre, self.spread) @ self.weights + self.bias)


def fit_discriminant(covers: np.ndarray, stegos: np.ndarray) -> Discriminant:
    """Return Fisher's discriminant, the covariance within the classes shrunk.

    With Σ the covariance of the standardised features within the classes, w = Σ*⁻¹(μ1 − μ0) and
    Σ* = (1 − ρ)Σ + ρ·tr(Σ)/n·I: Ledoit and Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices", J. Multivariate Analysis 88, 2004, section 3.3 for ρ.
    Scaled so that a score of 1 is a standard deviation within the classes under Σ*.

    Args:
        covers: (files, n) features.
        stegos: (files, n).
    """
    centre = (covers.mean(axis=0) + stegos.mean(axis=0)) / 2
    within = np.concatenate([covers - covers.mean(axis=0), stegos - stegos.mean(axis=0)])
    spread = np.sqrt(np.square(within).mean(axis=0))
    # What is the same in all files tells nothing.
    spread[spread <= 1e-12 * (1 + np.abs(centre))] = np.inf
    classes = [_standardised(examples, centre, spread) for examples in (covers, stegos)]
    means = [examples.mean(axis=0) for examples in classes]
    residuals = np.concatenate([x - mean for x, mean in zip(classes, means, strict=True)])
    covariance = shrunk_covariance(residuals)
    weights = cho_solve(cho_factor(covariance), means[1] - means[0])
    weights /= max(float(np.sqrt(weights @ covariance @ weights)), 1e-12)
    return Discriminant(centre, spread, weights, -float((means[0] + means[1]) @ weights) / 2)


def shrunk_covariance(residuals: np.ndarray) -> np.ndarray:
    """Return Ledoit and Wolf's covariance (n, n) of residuals (files, n) of mean 0."""
    files, count = residuals.shape
    covariance = residuals.T @ residuals / files
    mean_variance = np.trace(covariance) / count
    if mean_variance == 0:
        return np.eye(count)
    # d², b² and ρ of section 3.3, each n times the paper's.
    distance = np.square(covariance).sum() - count * mean_variance**2
    fourth = (np.square(residuals).sum(axis=1) ** 2).sum() / files
    error = max(0.0, fourth - np.square(covariance).sum()) / files
    shrinkage = min(1.0, max(error / distance if distance > 0 else 1.0, 1e-3))
    shrunk = (1 - shrinkage) * covariance
    shrunk[np.diag_indices(count)] += shrinkage * mean_variance
    return shrunk


def _standardised(features: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.clip((features - centre) / spread, -_FAR, _FAR)


# --- the statistics -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expectations:
    """What the entropy model expects of a symbol s, for each row of the Gaussian table.

    Attributes:
        information: (rows,) −log2 P(s), bits: the entropy.
        magnitude: (rows,) |s|.
        energy: (rows,) s².
        odd: (rows,) probability that s is odd.
        double_odd: (rows,) that s ≡ 2 modulo 4.
        magnitudes: (rows, ``_MAGNITUDES``) that |s| is 0, 1, 2 …
    """

    information: np.ndarray
    magnitude: np.ndarray
    energy: np.ndarray
    odd: np.ndarray
    double_odd: np.ndarray
    magnitudes: np.ndarray


@dataclass(frozen=True)
class Model:
    """Symbols beside what the entropy model makes of them.

    Attributes:
        y: (M, h, w) float64 symbols.
        scales: (M, h, w) σ.
        rows: (M, h, w) of the Gaussian table.
        expected: of each row.
        by_scale: (M, h, w) class by scale, 0 the smallest.
        by_rank: (M, h, w) class by rank, 0 the largest scales.
    """

    y: np.ndarray
    scales: np.ndarray
    rows: np.ndarray
    expected: Expectations
    by_scale: np.ndarray
    by_rank: np.ndarray

    @property
    def excess(self) -> np.ndarray:
        """Bits (M, h, w) that each symbol costs above what was expected."""
        bits = information(self.y.ravel(), self.scales.ravel()).reshape(self.y.shape)
        return bits - self.expected.information[self.rows]

    @property
    def energy(self) -> np.ndarray:
        """s² (M, h, w) less what was expected, in units of σ² + 1/12."""
        excess = np.square(self.y) - self.expected.energy[self.rows]
        # Rare symbols of the smallest scales would outweigh all others.
        return np.clip(excess / (np.square(self.scales) + 1 / 12), -20, 20)

    @property
    def odd(self) -> np.ndarray:
        """1 for an odd symbol, else 0, (M, h, w), less what was expected."""
        return np.mod(self.y, 2) - self.expected.odd[self.rows]


def statistics(codec: Codec, latents: Latents, picture: np.ndarray) -> np.ndarray:
    """Return all statistics (n,) of a file; n is the same for all files.

    Args:
        codec: the file's.
        latents: of the file.
        picture: (H, W, 3) uint8, what they decode to.
    """
    model = modelled(latents, codec.scales)
    v = codec.analyse(to_tensor(picture), latents.quality_code)
    z = codec.hyper_analyse(v)
    again = codec.quantise(v, z, latents.quality_code)
    reference = modelled(again, codec.scales)
    drift = v[0].double().numpy() - latents.values
    own, plain = first_order(model), first_order(reference)
    statistic = np.concatenate(
        [
            own,
            own - plain,
            neighbours(model),
            passes_apart(model, drift, codec.passes(model.y.shape)),
            channel_groups(model, drift),
            hyper_latents(codec, latents, z),
            scales_again(model, reference),
            drifts(model, drift),
        ]
    )
    return np.nan_to_num(statistic, posinf=0.0, neginf=0.0)


def first_order(model: Model) -> np.ndarray:
    """Return the statistics of symbols one by one: those that are calibrated."""
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


def expectations(scales: np.ndarray) -> Expectations:
    """Return what is expected of symbols with standard deviations ``scales`` (rows,)."""
    symbols = np.arange(int(np.ceil(10 * scales.max())) + 2)
    sigma = scales[:, None]
    once = ndtr((0.5 - symbols) / sigma) - ndtr((-0.5 - symbols) / sigma)
    # Of a magnitude: 0 counts once, others with both signs.
    share = once * np.where(symbols > 0, 2, 1)
    bits = np.divide(xlogy(share, once), -np.log(2))
    return Expectations(
        information=bits.sum(axis=1),
        magnitude=share @ symbols,
        energy=share @ symbols**2,
        odd=share[:, 1::2].sum(axis=1),
        double_odd=share[:, 2::4].sum(axis=1),
        magnitudes=share[:, :_MAGNITUDES],
    )


def modelled(latents: Latents, scales: np.ndarray) -> Model:
    """Return the symbols of ``latents`` with the scales (rows,) of the Gaussian table."""
    rows = latents.indexes.astype(np.intp)
    # Counting from the largest scale: the share of symbols that lie above a row's own.
    counts = np.bincount(rows.ravel(), minlength=len(scales))
    above = (counts.sum() - np.cumsum(counts)) / counts.sum()
    rank = np.searchsorted(RANK_EDGES, above + counts / counts.sum() / 2)
    by_row = np.searchsorted(SCALE_EDGES, scales)
    return Model(
        y=latents.y.astype(np.float64),
        scales=scales[rows],
        rows=rows,
        expected=expectations(scales),
        by_scale=by_row[rows],
        by_rank=rank[rows],
    )


def class_means(values: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    """Return the mean (count,) of ``values`` in each class, of few values drawn towards 0."""
    sums = np.bincount(classes.ravel(), weights=values.ravel(), minlength=count)
    return sums / (np.bincount(classes.ravel(), minlength=count) + _FEW)


def both_means(values: np.ndarray, model: Model) -> np.ndarray:
    """Return the means of ``values`` (M, h, w) in the classes by scale, then by rank."""
    return np.concatenate(
        [
            class_means(values, model.by_scale, _SCALE_CLASSES),
            class_means(values, model.by_rank, _RANK_CLASSES),
        ]
    )


def excess_information(model: Model) -> np.ndarray:
    """Return the bits that symbols cost above their entropy, by class."""
    return both_means(model.excess, model)


def excess_energy(model: Model) -> np.ndarray:
    """Return how much wider than expected symbols are distributed, by class."""
    return both_means(model.energy, model)


def parities(model: Model) -> np.ndarray:
    """Return the share of odd symbols less what was expected, by class."""
    return both_means(model.odd, model)


def residues(model: Model) -> np.ndarray:
    """Return shares modulo 4 less what was expected, by rank: of 2, and of 1 less that of 3."""
    residue = np.mod(model.y, 4)
    double_odd = (residue == 2) - model.expected.double_odd[model.rows]
    lean = (residue == 1).astype(np.float64) - (residue == 3)
    return np.concatenate(
        [class_means(values, model.by_rank, _RANK_CLASSES) for values in (double_odd, lean)]
    )


def magnitude_histogram(model: Model) -> np.ndarray:
    """Return the shares of |s| = 0, 1, 2 … less what was expected, by rank.

    Replaced lowest bits make the two of a pair alike; that is a difference of two of these.
    """
    magnitude = np.abs(model.y)
    return np.concatenate(
        [
            class_means(
                (magnitude == m) - model.expected.magnitudes[model.rows, m],
                model.by_rank,
                _RANK_CLASSES,
            )
            for m in range(_MAGNITUDES)
        ]
    )


def probability_histogram(model: Model) -> np.ndarray:
    """Return the histogram of the probability integral transform less 1/bins, by rank.

    Each magnitude is spread evenly over the probabilities between those of being smaller and of
    being as large, which needs no random numbers: Czado, Gneiting, Held, "Predictive model
    assessment for count data", Biometrics 65, 2009, section 2.1.
    """
    magnitude = np.abs(model.y)
    upper = 1 - 2 * ndtr((-0.5 - magnitude) / model.scales)
    lower = np.where(magnitude > 0, 1 - 2 * ndtr((0.5 - magnitude) / model.scales), 0.0)
    width = np.maximum(upper - lower, 1e-12)
    below = np.zeros_like(upper)
    histogram = []
    for edge in np.arange(1, _BINS + 1) / _BINS:
        # The last bin takes whatever lies there, however little room the model gives it.
        reached = np.clip((edge - lower) / width, 0, 1) if edge < 1 else 1.0
        histogram.append(class_means(reached - below - 1 / _BINS, model.by_rank, _RANK_CLASSES))
        below = reached
    return np.concatenate(histogram)


def neighbours(model: Model) -> np.ndarray:
    """Return how symbols go with the next one: to the right, below, and in the next channel.

    Of magnitudes, parities and signed values, each less what was expected and in its standard
    deviations; over all symbols and over those where both scales are among the largest 1/8.
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


def passes_apart(model: Model, drift: np.ndarray, passes: Sequence[np.ndarray]) -> np.ndarray:
    """Return what anchors have above the others: excess bits, energy, parity and drift.

    In ELIC the passes take turns; zeros where a codec has one pass.
    """
    if len(passes) < 2:
        return np.zeros(4)
    anchors, others = np.concatenate(passes[0::2]), np.concatenate(passes[1::2])
    fields = (model.excess, model.energy, model.odd, np.abs(drift))
    return np.array([f.ravel()[anchors].mean() - f.ravel()[others].mean() for f in fields])


def channel_groups(model: Model, drift: np.ndarray) -> np.ndarray:
    """Return excess bits, energy, share of the bits, and drift of groups of channels.

    Channels are grouped by the bits that the model expects of them in this file.
    """
    expected = model.expected.information[model.rows].sum(axis=(1, 2))
    groups = np.array_split(np.argsort(-expected, kind="stable"), _CHANNEL_GROUPS)
    excess, energy, moved = model.excess, model.energy, np.abs(drift)
    total = expected.sum() + excess.sum()
    share = [(expected[g].sum() + excess[g].sum()) / total for g in groups]
    means = [[field[g].mean() for g in groups] for field in (excess, energy, moved)]
    return np.concatenate([share, *means])


def hyper_latents(codec: Codec, latents: Latents, z_again: np.ndarray) -> np.ndarray:
    """Return how the hyper-latent's symbols differ from those of the file's own values.

    A plain encoder made them of v before rounding. ``z_again`` is of the re-analysed picture.
    """
    z_values = codec.hyper_analyse(torch.from_numpy(latents.values)[None])
    found = []
    for other in (z_values, z_again):
        moved = (latents.z - other).astype(np.float64)
        found += [moved.mean(), np.abs(moved).mean(), np.square(moved).mean(), (moved != 0).mean()]
    return np.array(found)


def scales_again(model: Model, reference: Model) -> np.ndarray:
    """Return how the scales of the re-analysed picture differ from the file's, by rank.

    The mean of log σ′/σ, and that of its magnitude.
    """
    ratio = np.log(reference.scales / model.scales)
    return np.concatenate(
        [class_means(values, model.by_rank, _RANK_CLASSES) for values in (ratio, np.abs(ratio))]
    )


def drifts(model: Model, drift: np.ndarray) -> np.ndarray:
    """Return how far the re-analysed picture's v′ lies from v̂ (``drift`` = v′ − v̂), by class.

    Magnitude, square, share that rounds to another symbol, share beyond 1, and lean away from 0.
    """
    moved = np.abs(drift)
    fields = (
        moved,
        np.minimum(np.square(drift), 25.0),
        (moved > 0.5).astype(np.float64),
        (moved > 1).astype(np.float64),
        np.clip(drift * np.sign(model.y), -_FAR, _FAR),
    )
    return np.concatenate([both_means(field, model) for field in fields])
