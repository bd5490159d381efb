"""StegExpose: the mean of four detectors of replaced lowest bits.

Boehm, "StegExpose: a tool for detecting LSB steganography", arXiv:1410.6656, 2014, section 3:
primary sets, sample pairs, chi-square and RS analysis, in this order. The fast mode stops early if
a picture looks clean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latentink.errors import OptionError
from latentink.steganalysis.chi_square import chi_square
from latentink.steganalysis.detector import Detector, Evidence
from latentink.steganalysis.primary_sets import primary_sets
from latentink.steganalysis.rs_analysis import rs_analysis
from latentink.steganalysis.sample_pairs import sample_pairs

THRESHOLD = 0.2
MODES = ("default", "fast")
DETECTORS: dict[str, Callable[[np.ndarray], float | None]] = {
    "primary_sets": primary_sets,
    "sample_pairs": sample_pairs,
    "chi_square": chi_square,
    "rs_analysis": rs_analysis,
}
"""StegExpose's detectors, in the order in which they run."""


@dataclass(frozen=True)
class Analysis:
    """What the detectors say about one picture, each from 0 to 1.

    A value is None if the detector failed or did not run, NaN if it computed no number.

    Attributes:
        primary_sets: estimated share of embedded values in red.
        sample_pairs: estimated share of embedded values.
        chi_square: mean p-value.
        rs_analysis: estimated share of embedded values.
        threshold: the picture is called a stego if the fusion is above it.
    """

    primary_sets: float | None = None
    sample_pairs: float | None = None
    chi_square: float | None = None
    rs_analysis: float | None = None
    threshold: float = THRESHOLD

    @property
    def fusion(self) -> float:
        """The mean of the detectors' numbers; NaN if there is none."""
        values = (getattr(self, name) for name in DETECTORS)
        numbers = [value for value in values if value is not None and not math.isnan(value)]
        return sum(numbers) / len(numbers) if numbers else math.nan

    @property
    def is_stego(self) -> bool:
        """Whether the fusion is above the threshold."""
        return self.fusion > self.threshold

    def message_bytes(self, file_bytes: int) -> int:
        """Return the estimated size of the message, in bytes, in a file of ``file_bytes`` bytes.

        StegExpose's rule, whatever the file's format: a fusion of 1 means a third of the file.
        """
        size = self.fusion * file_bytes / 3
        return 0 if math.isnan(size) else math.floor(size + 0.5)


def analyse(picture: np.ndarray, mode: str = "default", threshold: float = THRESHOLD) -> Analysis:
    """Return what StegExpose's detectors say about a picture.

    Args:
        picture: (H, W, 3) uint8.
        mode: ``"default"`` runs all detectors; ``"fast"`` stops as soon as the mean so far is below
            the threshold.
        threshold: 0 to 1.

    Raises:
        OptionError: the mode is unknown, or the threshold is out of range.

    Example:
        >>> noise = np.random.default_rng(0).integers(0, 256, (256, 384, 3), dtype=np.uint8)
        >>> analyse(noise).is_stego  # random lowest bits
        True
    """
    check_options(mode, threshold)
    values: dict[str, float | None] = {}
    analysis = Analysis(threshold=threshold)
    for name, detector in DETECTORS.items():
        value = detector(picture)
        values[name] = None if value is None else _clipped(value)
        analysis = Analysis(**values, threshold=threshold)
        if mode == "fast" and analysis.fusion < threshold:
            break
    return analysis


def check_options(mode: str, threshold: float) -> None:
    """Raise OptionError unless :func:`analyse` takes ``mode`` and ``threshold``."""
    if mode not in MODES:
        raise OptionError(f"There is no mode {mode!r}; choose from {', '.join(MODES)}.")
    if not 0 <= threshold <= 1:
        raise OptionError(f"The threshold is {threshold}; choose 0 to 1.")


def _clipped(value: float) -> float:
    """Return the magnitude, at most 1; NaN stays NaN."""
    return value if math.isnan(value) else min(abs(value), 1.0)


class StegExpose(Detector):
    """StegExpose in its default mode; the score is the fusion, or 0 if there is none.

    Attributes:
        name: ``"stegexpose"``.
        threshold: 0.2, as in the original.
    """

    name = "stegexpose"
    threshold = THRESHOLD

    def score(self, evidence: Evidence) -> float:
        """Return the mean of the four detectors, 0 to 1."""
        fusion = analyse(evidence.picture).fusion
        return 0.0 if math.isnan(fusion) else fusion
