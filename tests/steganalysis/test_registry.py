from __future__ import annotations

import numpy as np
import pytest

from latentink.errors import OptionError
from latentink.picture import encode_png
from latentink.steganalysis.detector import Detector, Evidence
from latentink.steganalysis.registry import DETECTORS, make_detector
from photos import astronaut


class LowBits(Detector):
    """How near to random the lowest bits of green are, next to each other."""

    name = "low-bits"
    threshold = -0.02

    def score(self, evidence: Evidence) -> float:
        bits = evidence.picture[..., 1] & 1
        return -abs(float((bits[:, 1:] == bits[:, :-1]).mean()) - 0.5)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_has_the_name_that_it_is_called_by(name: str) -> None:
    assert make_detector(name).name == name


def test_a_detector_is_added_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DETECTORS, "low-bits", LowBits)
    with pytest.raises(OptionError, match="low-bits"):
        make_detector("nosuch")
    picture = astronaut(height=64, width=64)
    picture[..., 1] = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    evidence = Evidence(encode_png(picture), picture)
    assert make_detector("low-bits").score(evidence) > LowBits.threshold
