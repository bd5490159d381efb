"""The runner: everything once, shared searches, and going on after every kind of stop."""

from __future__ import annotations

import sys
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentink.benchmark.bits import photo_bits
from latentink.benchmark.config import BenchConfig
from latentink.benchmark.datasets import Dataset
from latentink.benchmark.engines import InProcess, Processes, local_engine
from latentink.benchmark.layout import picture_path
from latentink.benchmark.measurement import Measurement, Origin, load_lpips, measure
from latentink.benchmark.progress import Progress
from latentink.benchmark.runner import OnResult, open_methods, plan, run_benchmark
from latentink.benchmark.store import Refusal, Result, Results
from latentink.benchmark.units import Unit, opened
from latentink.errors import OptionError, WeightsError
from latentink.methods.saving import eight_bits
from photos import astronaut

METHODS = """
import time

from latentink.errors import OptionError, WeightsError
from latentink.methods.lsb import LsbMatching
from latentink.methods.method import PaintedMethod
from latentink.methods.saving import Floats, Png, from_eight_bits

class Painted(PaintedMethod):
    covers = []

    def __init__(self, name, saving):
        self.name, self.saving = name, saving

    search = "low bits"

    def bits_shape(self, cover):
        return cover.shape[:2]

    def find(self, cover, bits):
        self.covers.append(cover)
        time.sleep(0.05)
        return from_eight_bits(cover & 254 | bits[..., None])

    def extract(self, stego):
        return (stego.picture[..., 0] * 255).round() % 2 - 0.5

def painted_png():
    return Painted("painted-png", Png())

def painted_floats():
    return Painted("painted-floats", Floats())

def painted_again():
    return Painted("painted-png", Png())

def painted_cover():
    return Painted("cover", Png())

class Choosy(LsbMatching):
    name = "choosy"
    asked = []

    def embed(self, cover, bits, seed=0):
        self.asked.append(seed)
        raise OptionError("This cover is not to my taste.")

class WithoutWeights(LsbMatching):
    name = "without-weights"

    def embed(self, cover, bits, seed=0):
        raise WeightsError("There are no weights.")

class Faulty(LsbMatching):
    name = "faulty"

    def embed(self, cover, bits, seed=0):
        return 1 / 0

class Slow(LsbMatching):
    name = "slow"

    def embed(self, cover, bits, seed=0):
        time.sleep(600)
"""
PNG, FLOATS = "runner_methods:painted_png", "runner_methods:painted_floats"


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "runner_methods.py").write_text(METHODS)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "runner_methods", raising=False)
    opened.cache_clear()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, top in (("one", 0), ("two", 100), ("three", 200)):
        Image.fromarray(astronaut(top, height=40, width=48)).save(folder / f"{name}.png")
    return folder


def configured(photos: Path, *methods: str, count: int = 2, pictures: int = 0) -> BenchConfig:
    return BenchConfig(
        methods=methods,
        datasets=(Dataset("mine", photos, crop=32, count=count),),
        seed=3,
        pictures=pictures,
    )


def read(folder: Path) -> list[Measurement]:
    with Results(folder / "results.sqlite", create=False) as results:
        return results.measurements()


def told(photos: Path) -> BenchConfig:
    return configured(photos, "lsb-matching", "steganogan-dense")


def stop_after(count: int) -> OnResult:
    seen = []

    def on_result(progress: Progress, result: Result | None) -> None:
        seen.append(result)
        if len(seen) > count:
            raise KeyboardInterrupt

    return on_result


def test_figures_are_those_of_the_method_with_the_bits_of_seed_and_photo(
    photos: Path, tmp_path: Path
) -> None:
    run_benchmark(configured(photos, "lsb-matching", count=3), tmp_path / "out", InProcess())
    found = read(tmp_path / "out")
    assert [one.photo for one in found] == ["one.png", "three.png", "two.png"]
    # The middle of the photo.
    cover = astronaut(200 + 4, 100 + 8, 32, 32)
    method = opened("lsb-matching")
    bits = photo_bits(method.bits_shape(cover), 3, "three.png")
    stego = method.embed(cover, bits, 3)
    origin = Origin("mine", "three.png", 3)
    expected = measure(method, cover, bits, stego, found[1].seconds, origin, load_lpips())
    # LPIPS sums in another order on another number of threads.
    assert found[1].lpips == pytest.approx(expected.lpips, rel=1e-3)
    assert replace(found[1], lpips=expected.lpips) == expected


def test_methods_with_the_same_search_find_once_and_pay_alike(photos: Path, tmp_path: Path) -> None:
    run_benchmark(configured(photos, PNG, FLOATS), tmp_path / "out", InProcess())
    png, floats = read(tmp_path / "out")[:2]
    assert (png.method, floats.method) == ("painted-png", "painted-floats")
    assert len(opened(PNG).covers) == 2  # type: ignore[attr-defined]
    assert min(png.seconds, floats.seconds) >= 0.05
    assert png.accuracy == floats.accuracy == 1
    assert floats.file_bytes > 4 * 3 * 32 * 32 > png.file_bytes


def test_pictures_of_the_first_photos_are_kept(photos: Path, tmp_path: Path) -> None:
    config = configured(photos, "lsb-matching", FLOATS, pictures=1)
    run_benchmark(config, tmp_path / "out", InProcess())
    kept = sorted(path.relative_to(tmp_path / "out") for path in tmp_path.glob("out/**/*.png"))
    assert [str(path) for path in kept] == [
        "pictures/mine/cover/one.png",
        "pictures/mine/lsb-matching/one.png",
        "pictures/mine/painted-floats/one.png",
    ]
    cover = astronaut(4, 108, 32, 32)
    method = opened("lsb-matching")
    stego = method.embed(cover, photo_bits((1, 32, 32), 3, "one.png"), 3)
    shown = [np.asarray(Image.open(tmp_path / "out" / path)) for path in kept]
    assert np.array_equal(shown[0], cover)
    assert np.array_equal(shown[1], eight_bits(stego.picture))

    # A picture that is gone, or wanted only now, is made again; the results stay.
    before = read(tmp_path / "out")
    (tmp_path / "out" / kept[1]).unlink()
    started = []
    run_benchmark(
        replace(config, methods=config.methods[:1], pictures=2),
        tmp_path / "out",
        InProcess(),
        lambda progress, result: started.append(progress.done["lsb-matching"]),
    )
    assert started == [0, 1, 2]
    assert read(tmp_path / "out") == before
    assert len(list((tmp_path / "out/pictures/mine/lsb-matching").iterdir())) == 2


def test_an_interrupted_run_goes_on_with_what_is_missing(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(told(photos), out, InProcess(), stop_after(2))
    first = read(out)
    assert len(first) == 2
    seen: list[tuple[int, int, Result | None]] = []
    run_benchmark(
        told(photos),
        out,
        InProcess(),
        lambda p, result: seen.append((sum(p.done.values()), sum(p.total.values()), result)),
    )
    assert [one[:2] for one in seen] == [(2, 4), (3, 4), (4, 4)]
    everything = read(out)
    assert everything[:2] == first
    assert [one[2] for one in seen] == [None, *everything[2:]]

    run_benchmark(told(photos), tmp_path / "whole", InProcess())
    assert [replace(one, seconds=0) for one in everything] == [
        replace(one, seconds=0) for one in read(tmp_path / "whole")
    ]


def test_a_refusal_is_a_row_and_is_not_asked_again(photos: Path, tmp_path: Path) -> None:
    config = configured(photos, "runner_methods:Choosy", "lsb-matching", count=3, pictures=1)
    for _ in range(2):
        run_benchmark(config, tmp_path / "out", InProcess())
    with Results(tmp_path / "out" / "results.sqlite") as results:
        assert results.refusals() == [
            Refusal("choosy", "mine", photo, 3, "This cover is not to my taste.")
            for photo in ("one.png", "three.png", "two.png")
        ]
        assert [one.method for one in results.measurements()] == ["lsb-matching"] * 3
        assert opened("runner_methods:Choosy").asked == [3] * 3  # type: ignore[attr-defined]
        results.forget_refusals()
    run_benchmark(config, tmp_path / "out", InProcess())
    assert opened("runner_methods:Choosy").asked == [3] * 6  # type: ignore[attr-defined]


def test_a_fault_in_ones_own_method_ends_no_other_row(photos: Path, tmp_path: Path) -> None:
    config = configured(photos, "runner_methods:Faulty", "lsb-matching")
    run_benchmark(config, tmp_path / "out", local_engine(1))
    with Results(tmp_path / "out" / "results.sqlite", create=False) as results:
        assert {one.method for one in results.measurements()} == {"lsb-matching"}
        reasons = {refusal.reason for refusal in results.refusals()}
    assert len(reasons) == 1
    assert "runner_methods:Faulty failed with ZeroDivisionError" in reasons.pop()


def test_missing_weights_are_no_refusal(photos: Path, tmp_path: Path) -> None:
    config = configured(photos, "runner_methods:WithoutWeights")
    with pytest.raises(WeightsError, match="no weights"):
        run_benchmark(config, tmp_path / "out", InProcess())
    assert read(tmp_path / "out") == []


def test_a_folder_keeps_to_one_crop_and_says_where_it_was_made(
    photos: Path, tmp_path: Path
) -> None:
    config = configured(photos, "lsb-matching", count=1)
    run_benchmark(config, tmp_path / "out", InProcess())
    other = replace(config, datasets=(replace(config.datasets[0], crop=16),))
    with pytest.raises(OptionError, match="crop of mine = 32, not 16"):
        run_benchmark(other, tmp_path / "out", InProcess())
    with Results(tmp_path / "out" / "results.sqlite") as results:
        noted = results.environment()
    assert noted["engine"] == ["1 process"]
    assert all(noted[key][0] for key in ("latentink", "torch", "processor", "python"))


def test_methods_whose_names_clash_are_refused() -> None:
    with pytest.raises(OptionError, match="both called painted-png"):
        open_methods([PNG, FLOATS, "runner_methods:painted_again"])
    with pytest.raises(OptionError, match="is called cover"):
        open_methods(["runner_methods:painted_cover"])


def test_the_plan_takes_all_datasets_photo_by_photo(photos: Path) -> None:
    config = replace(
        configured(photos, "lsb-matching", PNG, FLOATS, pictures=1),
        datasets=(Dataset("a", photos, crop=32), Dataset("b", photos, crop=16)),
    )
    one, two = photos / "one.png", photos / "two.png"
    present = {("painted-png", "a", "one.png", 3), ("lsb-matching", "b", "one.png", 3)}
    units = plan(config, open_methods(config.methods), {"a": [one, two], "b": [one]}, present)
    assert units == [
        Unit("a", one, 32, ("lsb-matching",), 3, True),
        Unit("a", one, 32, (FLOATS,), 3, True),
        Unit("b", one, 16, (PNG, FLOATS), 3, True),
        Unit("a", two, 32, ("lsb-matching",), 3, False),
        Unit("a", two, 32, (PNG, FLOATS), 3, False),
    ]


def test_jobs_below_one_are_refused() -> None:
    assert local_engine(1) == InProcess()
    assert local_engine(3) == Processes(3)
    with pytest.raises(OptionError, match="0 processes"):
        local_engine(0)


def test_an_interrupt_ends_the_processes_and_leaves_what_is_finished(
    photos: Path, tmp_path: Path
) -> None:
    config = configured(photos, "lsb-matching", "runner_methods:Slow", count=1, pictures=1)
    before = set(active_children())
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(config, tmp_path / "out", Processes(1), stop_after(1))
    assert set(active_children()) == before
    (one,) = read(tmp_path / "out")
    run_benchmark(configured(photos, "lsb-matching", count=1), tmp_path / "alone", InProcess())
    assert replace(one, seconds=0) == replace(read(tmp_path / "alone")[0], seconds=0)
    assert picture_path(tmp_path / "out", one.dataset, one.method, one.photo).exists()
