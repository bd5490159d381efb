"""The detector ``latents``: statistics of a .lik file's symbols, and a Fisher discriminant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latentink.codecs.file_coding import decode_latents
from latentink.codecs.loading import codec_of_file
from latentink.container import MAGIC, unpack
from latentink.errors import OptionError
from latentink.steganalysis.detector import Evidence, LearningDetector
from latentink.steganalysis.latent_domain.fisher_discriminant import Discriminant, fit_discriminant
from latentink.steganalysis.latent_domain.symbol_statistics import symbol_statistics

FEWEST_FILES = 8
"""How many files of each class the discriminant needs at least."""


class LatentDomainDetector(LearningDetector):
    """Tells .lik files with a message from plain ones by their symbols.

    Attributes:
        name: ``"latents"``.
        threshold: 0; the score is the distance from midway between the classes, in standard
            deviations within them.
    """

    name = "latents"
    threshold = 0.0

    def __init__(self, weights: Path | None = None) -> None:
        """Make an unfitted detector.

        Args:
            weights: the codec's weights file, if they are neither bundled nor imported.
        """
        self._weights = weights
        self._discriminant: Discriminant | None = None

    def features_of(self, evidence: Evidence) -> np.ndarray:
        """Return the statistics (495,) float64 of a file, see :func:`symbol_statistics`.

        Raises:
            OptionError: the evidence is no .lik file, or its picture is of another size.
            ContainerError, WeightsError: as for :func:`latentink.decompress`.
        """
        if evidence.data[: len(MAGIC)] != MAGIC:
            raise OptionError("The detector latents takes .lik files only; leave other files out.")
        file = unpack(evidence.data)
        if evidence.picture.shape != (file.height, file.width, 3):
            raise OptionError("The picture is not that of the .lik file; decompress the file.")
        codec = codec_of_file(file.codec_number, file.fingerprint, self._weights)
        return symbol_statistics(codec, decode_latents(codec.entropy, file), evidence.picture)

    def fit(self, covers: Sequence[Evidence], stegos: Sequence[Evidence], seed: int) -> None:
        """Compute the statistics of all examples and fit the discriminant to them.

        Raises:
            OptionError: as for :meth:`features_of` and :meth:`fit_features`.
        """
        self.fit_features(
            np.array([self.features_of(evidence) for evidence in covers]),
            np.array([self.features_of(evidence) for evidence in stegos]),
            seed,
        )

    def fit_features(self, covers: np.ndarray, stegos: np.ndarray, seed: int = 0) -> None:
        """Fit the discriminant to statistics that were computed before, perhaps elsewhere.

        Args:
            covers: (files, n) of :meth:`features_of`.
            stegos: (files, n); there may be more or fewer than covers.
            seed: ignored, because nothing is random.

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
        """Return the score of a file, above 0 for a stego.

        Raises:
            OptionError: as for :meth:`features_of` and :meth:`score_features`.
        """
        return self.score_features(self.features_of(evidence))

    def score_features(self, features: np.ndarray) -> float:
        """Return the score of statistics (n,) of :meth:`features_of`, above 0 for a stego.

        Raises:
            OptionError: the detector has not been fitted.
        """
        if self._discriminant is None:
            raise OptionError("The detector latents has learned nothing yet; fit it first.")
        return self._discriminant.score(features)
