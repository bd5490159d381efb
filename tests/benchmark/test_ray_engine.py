"""The Ray engine: what a dying worker leaves undone is done by another, and nothing twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from latentink.benchmark import ray_engine
from latentink.benchmark.config import BenchConfig
from latentink.benchmark.datasets import Dataset, choose_photos
from latentink.benchmark.engines import InProcess
from latentink.benchmark.measurement import Measurement
from latentink.benchmark.ray_engine import RayEngine
from latentink.benchmark.runner import run_benchmark
from latentink.benchmark.store import Results
from latentink.benchmark.units import opened
from latentink.errors import OptionError, WeightsError
from photos import astronaut

METHODS = """
import os
from pathlib import Path

from latentink.errors import OptionError, WeightsError
from latentink.methods.lsb import LsbMatching

FOLDER = Path(__file__).parent

class Mortal(LsbMatching):
    name = "mortal"

    def embed(self, cover, bits, seed=0):
        if (FOLDER / "kill").exists():
            (FOLDER / "kill").rename(FOLDER / "killed")
            os._exit(1)
        return super().embed(cover, bits, seed)

class Doomed(LsbMatching):
    name = "doomed"

    def embed(self, cover, bits, seed=0):
        os._exit(1)

class WithoutWeights(LsbMatching):
    name = "without-weights"

    def embed(self, cover, bits, seed=0):
        raise WeightsError("There are no weights.")
"""
MORTAL, DOOMED = "ray_methods:Mortal", "ray_methods:Doomed"
WITHOUT_WEIGHTS = "ray_methods:WithoutWeights"


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("mine")
    (folder / "ray_methods.py").write_text(METHODS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        # Workers are started with the environment.
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        opened.cache_clear()
        yield folder


@pytest.fixture(scope="module")
def cluster(mine: Path) -> Iterator[None]:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture
def config(mine: Path, tmp_path: Path) -> BenchConfig:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, top in (("one", 0), ("two", 100)):
        Image.fromarray(astronaut(top, height=32, width=32)).save(folder / f"{name}.png")
    dataset = Dataset("mine", folder, crop=32)
    return BenchConfig(("lsb-matching", MORTAL), (dataset,), pictures=1)


def read(folder: Path) -> dict[tuple[str, str], Measurement]:
    with Results(folder / "results.sqlite", create=False) as results:
        found = results.measurements()
    assert len({(one.method, one.photo) for one in found}) == len(found)
    return {(one.method, one.photo): replace(one, seconds=0) for one in found}


@pytest.mark.usefixtures("cluster")
def test_a_killed_worker_costs_and_doubles_nothing(
    mine: Path, config: BenchConfig, tmp_path: Path
) -> None:
    (mine / "kill").touch()
    seen = []
    run_benchmark(
        config, tmp_path / "ray", RayEngine(), lambda progress, result: seen.append(result)
    )
    assert (mine / "killed").exists()
    assert len(seen) == 1 + 4
    run_benchmark(config, tmp_path / "here", InProcess())
    assert read(tmp_path / "ray") == read(tmp_path / "here")
    pictures = sorted(path.name for path in tmp_path.glob("ray/pictures/mine/*/*"))
    assert pictures == ["one.png"] * 3


@pytest.mark.usefixtures("cluster")
def test_a_unit_whose_workers_all_die_is_named_and_the_rest_is_kept(
    config: BenchConfig, tmp_path: Path
) -> None:
    (dataset,) = config.datasets
    deadly = replace(
        config, methods=(DOOMED, "lsb-matching"), datasets=(replace(dataset, count=1),)
    )
    (photo,) = choose_photos(deadly.datasets[0], deadly.seed)
    sentence = rf"1 of 2 units were lost.*ray_methods:Doomed on {photo.name}"
    with pytest.raises(OptionError, match=sentence):
        run_benchmark(deadly, tmp_path / "ray", RayEngine(retries=0))
    assert set(read(tmp_path / "ray")) == {("lsb-matching", photo.name)}


@pytest.mark.usefixtures("cluster")
def test_errors_for_people_arrive_as_they_are(config: BenchConfig, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^There are no weights\.$"):
        run_benchmark(replace(config, methods=(WITHOUT_WEIGHTS,)), tmp_path / "ray", RayEngine())
    with pytest.raises(OptionError, match="asks for 1 GPU, but the cluster has 0"):
        run_benchmark(config, tmp_path / "gpu", RayEngine(gpus=1))


def test_missing_ray_is_a_sentence(
    config: BenchConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OptionError, match=r"pip install 'latentink\[ray\]'"):
        run_benchmark(config, tmp_path / "ray", RayEngine())
    assert ray_engine.RayEngine(address="ray://host:1").description == "ray, ray://host:1"
