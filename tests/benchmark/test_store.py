"""The file of results: nothing doubled, nothing lost by a killed process."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from latentink.benchmark.measurement import Measurement
from latentink.benchmark.store import Refusal, Results
from latentink.errors import OptionError, OutputError

ONE = Measurement(
    method="lsb-matching",
    dataset="kodak",
    photo="kodim01.png",
    seed=0,
    psnr_db=55.94258065881742,
    ms_ssim=None,
    lpips=0.25,
    bpp=11.5,
    file_bytes=3257,
    width=48,
    height=32,
    density=1.0,
    accuracy=1.0,
    rsbpp=1.0,
    rsbpp_rate=0.09,
    shannon_rate=0.09,
    payload_bits=1376,
    delivered_rate=0.05,
    seconds=0.5,
    stegexpose=0.07,
    latent_excess=None,
)
NO = Refusal("hide-fast", "kodak", "kodim01.png", 0, "This cover is too small.")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    simulated = replace(ONE, method="hill", accuracy=None, payload_bits=None, psnr_db=math.inf)
    with Results(tmp_path / "new" / "results.sqlite") as results:
        assert all(results.add(one) for one in (ONE, NO, simulated))
    with Results(tmp_path / "new" / "results.sqlite", create=False) as results:
        assert results.measurements() == [ONE, simulated]
        assert results.refusals() == [NO]
        assert results.present() == {
            ("lsb-matching", "kodak", "kodim01.png", 0),
            ("hill", "kodak", "kodim01.png", 0),
            ("hide-fast", "kodak", "kodim01.png", 0),
        }


def test_a_result_is_written_once_and_the_first_one_stays(tmp_path: Path) -> None:
    with Results(tmp_path / "r.sqlite") as results, Results(tmp_path / "r.sqlite") as other:
        assert results.add(ONE)
        assert not other.add(replace(ONE, seconds=9.0))
        assert not other.add(Refusal(ONE.method, ONE.dataset, ONE.photo, ONE.seed, "late"))
        assert results.measurements() == [ONE]
        assert results.add(replace(ONE, seed=1))


def test_refusals_can_be_forgotten(tmp_path: Path) -> None:
    with Results(tmp_path / "r.sqlite") as results:
        results.add(ONE)
        results.add(NO)
        assert results.forget_refusals() == 1
        assert results.refusals() == []
        assert results.measurements() == [ONE]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process by a signal of Unix")
def test_results_survive_the_kill_of_their_process(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        results = Results(tmp_path / "r.sqlite")
        results.add(ONE)
        results.add(NO)
        os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    with Results(tmp_path / "r.sqlite") as results:
        assert results.measurements() == [ONE]
        assert results.refusals() == [NO]


def test_a_table_for_pandas(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    with Results(tmp_path / "r.sqlite") as results:
        results.add(ONE)
        results.add(NO)
        frame = results.frame()
    assert list(frame.status) == ["done", "refused"]
    assert list(frame.columns[:4]) == ["method", "dataset", "photo", "seed"]
    assert frame.reason[1] == NO.reason
    assert frame.bpp.mean() == 11.5
    assert frame.ms_ssim.dtype == frame.latent_excess.dtype == "float64"


def test_the_environment_keeps_every_value_once(tmp_path: Path) -> None:
    with Results(tmp_path / "r.sqlite") as results:
        for value in ("3.11", "3.10", "3.11"):
            results.note("python", value)
        assert results.environment() == {"python": ["3.11", "3.10"]}


def test_results_of_other_settings_are_not_mixed(tmp_path: Path) -> None:
    with Results(tmp_path / "r.sqlite") as results:
        results.claim("crop of kodak", "512")
        results.claim("crop of kodak", "512")
        with pytest.raises(OptionError, match="crop of kodak = 512, not 64"):
            results.claim("crop of kodak", "64")


def test_files_that_are_no_results_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no results in .*missing"):
        Results(tmp_path / "missing.sqlite", create=False)
    (tmp_path / "text.sqlite").write_text("no database at all, but long enough to be read as one")
    with pytest.raises(OptionError, match="not a file of results"):
        Results(tmp_path / "text.sqlite")
    with sqlite3.connect(tmp_path / "old.sqlite") as old:
        old.execute("CREATE TABLE results (method, dataset, photo, seed, psnr)")
    with pytest.raises(OptionError, match="another version"):
        Results(tmp_path / "old.sqlite")
    with pytest.raises(OutputError, match="cannot be opened"):
        Results(tmp_path / "text.sqlite" / "r.sqlite")
