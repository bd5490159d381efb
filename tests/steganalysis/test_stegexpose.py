from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from latentink.errors import OptionError
from latentink.picture import read_picture
from latentink.steganalysis import stegexpose
from latentink.steganalysis.stegexpose import Analysis, analyse
from photos import astronaut

REFERENCE = Path(__file__).parents[3] / "shared" / "stegexpose"
RESULTS = {"default": "expected.csv", "fast": "expected_fast.csv"}


def same(value: float | None, cell: str) -> bool:
    if value is None or cell == "null":
        return value is None and cell == "null"
    return value == pytest.approx(float(cell), abs=1e-6, nan_ok=True)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the original's results are not here")
@pytest.mark.parametrize("mode", RESULTS)
def test_every_cell_of_the_original(mode):
    """What the original StegExpose wrote for 14 photos."""
    with (REFERENCE / RESULTS[mode]).open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert len(rows) == 14
    for name, stego, size, *cells in rows:
        path = REFERENCE / "images" / name
        result = analyse(read_picture(path), mode)
        values = (
            result.primary_sets,
            result.chi_square,
            result.sample_pairs,
            result.rs_analysis,
            result.fusion,
        )
        assert len(cells) == len(values)
        for value, cell in zip(values, cells, strict=True):
            assert same(value, cell), (name, value, cell)
        assert result.is_stego == (stego == "true")
        assert result.message_bytes(path.stat().st_size) == int(size)


def test_fusion_leaves_out_what_is_no_number():
    assert Analysis(0.1, None, math.nan, 0.4).fusion == pytest.approx(0.25)
    nothing = Analysis(math.nan, None, None, None)
    assert math.isnan(nothing.fusion)
    assert not nothing.is_stego
    assert nothing.message_bytes(3000) == 0


def test_above_the_threshold_is_stego_and_at_it_is_not():
    assert not Analysis(0.25, threshold=0.25).is_stego
    assert Analysis(0.25, threshold=0.24).is_stego


def test_message_size_is_a_third_of_the_file_for_a_full_one():
    assert Analysis(1.0).message_bytes(3000) == 1000
    assert Analysis(0.5).message_bytes(3) == 1  # Half a byte is rounded up, as Java does.


def test_results_are_magnitudes_of_at_most_one(monkeypatch):
    detectors = {
        "primary_sets": lambda picture: -0.3,
        "sample_pairs": lambda picture: -math.inf,
        "chi_square": lambda picture: math.nan,
        "rs_analysis": lambda picture: 7.0,
    }
    monkeypatch.setattr(stegexpose, "DETECTORS", detectors)
    result = analyse(astronaut())
    assert (result.primary_sets, result.sample_pairs, result.rs_analysis) == (0.3, 1.0, 1.0)
    assert math.isnan(result.chi_square)


def test_default_mode_finds_what_is_there(scatter):
    photo = astronaut(left=0, height=512, width=512)
    clean, stego = analyse(photo), analyse(scatter(photo, 0.5))
    assert not clean.is_stego
    assert stego.is_stego
    assert clean.fusion < 0.1 < 0.3 < stego.fusion


def test_fast_mode_stops_where_the_mean_is_below(scatter):
    photo = astronaut(left=0, height=512, width=512)
    full, fast = analyse(photo), analyse(photo, "fast")
    assert fast == Analysis(primary_sets=full.primary_sets)
    # Nothing is below a threshold of 0, so all detectors run.
    assert analyse(photo, "fast", threshold=0) == analyse(photo, threshold=0)
    # No number from primary sets is no mean, so sample pairs run; theirs is above, and so on.
    stego = scatter(photo, 0.5)
    assert math.isnan(analyse(stego, "fast").primary_sets)
    assert analyse(stego, "fast").fusion == analyse(stego).fusion
    assert analyse(stego, "fast", threshold=0.6).chi_square is None


def test_odd_and_small_pictures_leave_detectors_out():
    result = analyse(astronaut(height=63, width=64))
    assert result.sample_pairs is None
    assert result.chi_square is None
    assert result.rs_analysis is not None
    assert result.fusion == pytest.approx((result.primary_sets + result.rs_analysis) / 2)


def test_bad_options():
    photo = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(OptionError, match="choose from default, fast"):
        analyse(photo, "slow")
    for threshold in (-0.1, 1.1, math.nan):
        with pytest.raises(OptionError, match="choose 0 to 1"):
            analyse(photo, threshold=threshold)
