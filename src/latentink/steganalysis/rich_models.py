"""Rich models: co-occurrences of a picture's noise residuals, and an ensemble that votes on them.

```
 8-bit luminance ─► residuals ─► quantised, cut off at ±T ─► co-occurrences ─► Fisher ensemble
```

* ``spam``: Pevný, Bas, Fridrich, "Steganalysis by subtractive pixel adjacency matrix", IEEE TIFS
  5(2), 2010, section III: third-order co-occurrences of neighbours' differences, T = 3, 686 values.
* ``srm``: Fridrich, Kodovský, "Rich models for steganalysis of digital images", IEEE TIFS 7(3),
  2012, section II: fourth-order co-occurrences of 39 kinds of residuals, T = 2, in 2 or 3
  quantisations, 34,671 values.
* The classifier: Kodovský, Fridrich, Holub, "Ensemble classifiers for steganalysis of digital
  media", IEEE TIFS 7(2), 2012: Fisher discriminants on random subspaces and bootstrap samples. The
  out-of-bag error decides their number and the size of the subspaces (section II).

Features and ensemble are sealwatch's (University of Innsbruck). Both models are for grey pictures,
so they see the luminance, rounded to 8 bits like the pixels of a grey picture.

On one core a picture of 512×512 takes 0.2 s for ``spam`` and 2 s for ``srm``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from latentink.errors import OptionError
from latentink.geometry import MINIMUM_SIDE
from latentink.steganalysis.detector import Evidence, LearningDetector
from latentink.steganalysis.srm_kernels import LUMINANCE

if TYPE_CHECKING:
    from sealwatch.ensemble_classifier import EnsembleClassifier

FEWEST_PAIRS = 10
"""With fewer pairs the out-of-bag error says nothing."""

_MOST_LEARNERS = 500


class RichModelDetector(LearningDetector):
    """A rich model's features and the ensemble classifier.

    Attributes:
        name: ``"spam"`` or ``"srm"``.
        threshold: 0.5; the score is the share of the ensemble's votes for a stego.
    """

    def __init__(self, name: str = "spam") -> None:
        """Make an unfitted detector.

        Args:
            name: ``"spam"`` or ``"srm"``.

        Raises:
            OptionError: there is no model of that name.
        """
        if name not in FEATURES:
            raise OptionError(
                f"There is no rich model {name!r}; choose from {', '.join(FEATURES)}."
            )
        self.name = name
        self.threshold = 0.5
        self._ensemble: EnsembleClassifier | None = None

    def features_of(self, evidence: Evidence) -> np.ndarray:
        """Return the features (n,) float32 of the picture; n is 686 for spam, 34,671 for srm.

        Raises:
            OptionError: the picture is too small, or sealwatch is missing.
        """
        return FEATURES[self.name](luminance(evidence.picture))

    def fit(self, covers: Sequence[Evidence], stegos: Sequence[Evidence], seed: int) -> None:
        """Compute the features of all examples and fit the ensemble to them.

        Raises:
            OptionError: as for :meth:`features_of` and :meth:`fit_features`.
        """
        _check_counts(len(covers), len(stegos))
        self.fit_features(
            np.stack([self.features_of(evidence) for evidence in covers]),
            np.stack([self.features_of(evidence) for evidence in stegos]),
            seed,
        )

    def fit_features(self, covers: np.ndarray, stegos: np.ndarray, seed: int) -> None:
        """Fit the ensemble to features that were computed before, perhaps elsewhere.

        A bootstrap sample holds the same photos of both classes.

        Args:
            covers: (pairs, n) of :meth:`features_of`.
            stegos: (pairs, n), row i of the same photo as row i of ``covers``.
            seed: 0 or more, of subspaces and bootstrap samples. Nothing else is random, but the
                number of threads may change the last bits of the linear algebra.

        Raises:
            OptionError: the counts differ, there are fewer than ``FEWEST_PAIRS`` pairs, the
                features are of another model, or sealwatch is missing.
        """
        _check_counts(len(covers), len(stegos))
        if covers.ndim != 2 or covers.shape != stegos.shape:
            raise OptionError("Covers and stegos must have the same features, of one rich model.")
        try:
            from sealwatch.ensemble_classifier import FldEnsembleTrainer
        except ImportError as error:
            raise _missing(error) from None
        trainer = FldEnsembleTrainer(
            np.ascontiguousarray(covers, dtype=np.float64),
            np.ascontiguousarray(stegos, dtype=np.float64),
            seed=int(np.random.SeedSequence(seed).generate_state(1)[0]),
            verbose=0,
            max_num_base_learners=_MOST_LEARNERS,
        )
        ensemble = trainer.train()[0]
        if ensemble.base_learners is None:  # Every vote on the photos left out was wrong.
            raise OptionError("The ensemble learned nothing from these examples; give it more.")
        self._ensemble = ensemble

    def score(self, evidence: Evidence) -> float:
        """Return the share of votes for a stego, 0 to 1.

        Raises:
            OptionError: as for :meth:`features_of` and :meth:`score_features`.
        """
        return self.score_features(self.features_of(evidence))

    def score_features(self, features: np.ndarray) -> float:
        """Return the share of votes for a stego, 0 to 1, of features (n,) of :meth:`features_of`.

        Raises:
            OptionError: the detector has not been fitted.
        """
        if self._ensemble is None:
            raise OptionError(f"The detector {self.name} has learned nothing yet; fit it first.")
        row = np.ascontiguousarray(features, dtype=np.float64)[None]
        return float(self._ensemble.predict_confidence(row)[0] + 1) / 2


def luminance(picture: np.ndarray) -> np.ndarray:
    """Return the rounded luminance (H, W) uint8 of a picture (H, W, 3) uint8.

    Raises:
        OptionError: a side has fewer than ``MINIMUM_SIDE`` pixels.
    """
    if min(picture.shape[:2]) < MINIMUM_SIDE:
        raise OptionError(
            f"A rich model needs a picture of {MINIMUM_SIDE}×{MINIMUM_SIDE} pixels at least."
        )
    return np.rint(picture @ np.array(LUMINANCE)).astype(np.uint8)


def spam_features(grey: np.ndarray) -> np.ndarray:
    """Return the 686 SPAM features (float32) of grey levels (H, W) uint8, diagonal ones first.

    Raises:
        OptionError: sealwatch is missing.
    """
    try:
        import sealwatch
    except ImportError as error:
        raise _missing(error) from None
    # The compiled backend weights directions differently from the paper in pictures that are not
    # square.
    with sealwatch.BACKEND_PYTHON:
        return _in_order(sealwatch.spam.extract(np.ascontiguousarray(grey)))


def srm_features(grey: np.ndarray) -> np.ndarray:
    """Return the 34,671 SRM features (float32) of grey levels (H, W) uint8, in order of submodels.

    sealwatch computes the residuals and merges by symmetry. :func:`cooccurrences` counts, with the
    same result as sealwatch's own function in a tenth of the time.

    Raises:
        OptionError: sealwatch is missing.
    """
    try:
        from sealwatch import srm
    except ImportError as error:
        raise _missing(error) from None
    # Residuals, name of their kind, their order c, and the steps q/c of section II-C.
    kinds = (
        (srm.all1st, "f1", 1, (1, 2)),
        (srm.all2nd, "f2", 2, (1, 1.5, 2)),
        (srm.all3rd, "f3", 3, (1, 1.5, 2)),
        (srm.all3x3, "f3x3", 4, (1, 1.5, 2)),
        (srm.all5x5, "f5x5", 12, (1, 1.5, 2)),
    )
    pixels = grey.astype(int)
    submodels: dict[str, np.ndarray] = {}
    for residuals, name, order, steps in kinds:
        for step in steps:
            counts = residuals(pixels, step * order, CoocN=cooccurrences)
            submodels = srm.post_process(counts, name, step, submodels)
    return _in_order(submodels)


FEATURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "spam": spam_features,
    "srm": srm_features,
}


def cooccurrences(residuals: np.ndarray, direction: str, limit: int) -> np.ndarray:
    """Return how often each quadruple of adjacent residuals occurs, as a share of all.

    Args:
        residuals: (H, W), whole numbers from −limit to limit.
        direction: ``"hor"`` along rows or ``"ver"`` along columns.
        limit: T.

    Returns:
        (2T + 1,) * 4 float64 of sum 1; the first axis is the leftmost or uppermost residual.
    """
    # The index of a quadruple fits 16 bits, which are faster to move than 64.
    digits = residuals.astype(np.int16) + np.int16(limit)
    if direction == "ver":
        digits = digits.T
    base, width = 2 * limit + 1, digits.shape[1] - 3
    number = digits[:, :width]
    for offset in range(1, 4):
        number = number * np.int16(base) + digits[:, offset : offset + width]
    counts = np.bincount(number.ravel(), minlength=base**4)
    return counts.reshape((base,) * 4) / counts.sum()


def _in_order(submodels: Mapping[str, np.ndarray]) -> np.ndarray:
    # The order of sealwatch's mapping changes with the hash seed of the process.
    values = np.concatenate([submodels[name].ravel() for name in sorted(submodels)])
    return values.astype(np.float32)


def _check_counts(covers: int, stegos: int) -> None:
    if covers != stegos:
        raise OptionError(
            f"There are {covers} covers and {stegos} stegos; the ensemble learns from pairs; "
            "give it as many of each."
        )
    if covers < FEWEST_PAIRS:
        raise OptionError(
            f"{covers} pairs are too few for the ensemble to learn from; "
            f"give it {FEWEST_PAIRS} at least."
        )


def _missing(error: ImportError) -> OptionError:
    return OptionError(
        f"Rich models need the package {error.name}: pip install 'latentink[detectors]'."
    )
