"""The contract of everything that tells stego files from plain ones.

```
 a file, and the picture in it ─► Evidence ─► Detector.score ─► a number; above the threshold: stego
```

A detector that learns is fitted to pairs first: the same photo, once plain and once with a message.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """What an analyst has in hand.

    Attributes:
        data: the bytes of the file; whoever has the codec may look at the symbols of a .lik file.
        picture: (H, W, 3) uint8, what the file shows.
    """

    data: bytes = field(repr=False)
    picture: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Pair:
    """One photo, three times.

    Attributes:
        photo: its name.
        camera: the photo as it was, losslessly.
        plain: the file that the stego would have been without a message.
        stego: the file with the message.
    """

    photo: str
    camera: Evidence
    plain: Evidence
    stego: Evidence


class Detector(ABC):
    """Gives a file a score.

    Attributes:
        name: as on the command line.
        threshold: scores above it mean stego.
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
            seed: of everything random; the same examples and seed give the same detector.

        Raises:
            OptionError: too few examples, or such as it cannot look at.
        """
