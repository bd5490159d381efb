"""The contract of detectors, which tell stego files from plain ones.

```
 a file and the picture in it ─► Evidence ─► Detector.score ─► a number; above the threshold: stego
```

A detector that learns is fitted first, to photos both without and with a message.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """What an analyst has.

    Attributes:
        data: the bytes of the file; with the codec the symbols of a .lik file can be read from it.
        picture: (H, W, 3) uint8, what the file shows.
    """

    data: bytes = field(repr=False)
    picture: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Pair:
    """One photo in three files.

    Attributes:
        photo: its name.
        camera: the photo itself, saved without loss.
        plain: the file that the method writes without a message.
        stego: the file with a message.
    """

    photo: str
    camera: Evidence
    plain: Evidence
    stego: Evidence


class Detector(ABC):
    """Scores files.

    Attributes:
        name: as on the command line.
        threshold: a file with a score above it is called a stego.
    """

    name: str
    threshold: float

    @abstractmethod
    def score(self, evidence: Evidence) -> float:
        """Return how much the file looks like a stego; never NaN.

        Raises:
            OptionError: this detector cannot look at such a file.
        """


class LearningDetector(Detector):
    """A detector that is fitted to examples first."""

    @abstractmethod
    def fit(self, covers: Sequence[Evidence], stegos: Sequence[Evidence], seed: int) -> None:
        """Learn to tell ``covers`` from ``stegos``, and set the threshold.

        Args:
            covers: files without a message.
            stegos: files with one; number i may be of the same photo as cover i.
            seed: 0 or more, of everything random; the same examples and seed give the same
                detector.

        Raises:
            OptionError: there are too few examples, or it cannot look at one of them.
        """
