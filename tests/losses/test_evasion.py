"""The editor evades the detector that it is shown."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from latentink import HideOptions, hide, reveal
from latentink.errors import OptionError, WeightsError
from latentink.losses.evasion import evasion
from latentink.steganalysis.detector import Evidence
from latentink.steganalysis.network_detector import NetworkDetector, save_detector
from photos import astronaut


def test_it_is_the_surprise_at_a_cover() -> None:
    scores = torch.tensor([math.log(3.0), 0.0])  # stego at 3 : 1, at 1 : 1
    assert float(evasion(scores)) == pytest.approx((math.log(4) + math.log(2)) / 2)


def test_its_gradient_is_that_of_differences() -> None:
    scores = torch.tensor([-2.0, 0.3, 4.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(evasion, scores)


def test_the_editor_lowers_the_score_and_the_message_stays(tmp_path: Path) -> None:
    detector, path = NetworkDetector("xunet"), tmp_path / "xunet.safetensors"
    with torch.no_grad():  # Untrained, it hardly has an opinion.
        list(detector.network.parameters())[-2].mul_(1e7)
    save_detector(detector, path, {})
    cover = astronaut(height=192, width=192)
    plainly, evading = (
        hide(cover, b"a note", options=HideOptions(channel="pixels", preset="fast", evade=evade))
        for evade in (None, path)
    )
    scores = [detector.score(Evidence(r.data, r.picture)) for r in (plainly, evading)]
    assert scores[1] < scores[0] - 0.1
    assert reveal(evading.data) == b"a note"


def test_a_file_that_is_no_detector_is_refused(tmp_path: Path) -> None:
    options = HideOptions(channel="pixels", preset="fast", evade=tmp_path / "missing.safetensors")
    with pytest.raises(WeightsError, match="There is no file"):
        hide(astronaut(height=192, width=192), b"a note", options=options)
    options = HideOptions(channel="latents", evade=tmp_path / "missing.safetensors")
    with pytest.raises(OptionError, match="cannot evade a detector"):
        hide(astronaut(height=192, width=192), b"a note", options=options)
