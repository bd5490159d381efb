"""A benchmark's TOML file: its defaults, and a sentence for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentink.benchmark.config import BenchConfig, expand_methods, open_method, read_config
from latentink.benchmark.datasets import Dataset
from latentink.errors import OptionError
from latentink.methods.registry import METHODS

MINE = """
from latentink.methods.lsb import LsbMatching

class Mine(LsbMatching):
    name = "mine"

def make():
    return Mine()

def needs(depth):
    return Mine(depth)

def number():
    return 3

class Slash(LsbMatching):
    name = "../mine"

def faulty():
    return 1 / 0
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configured_method.py").write_text(MINE)
    (tmp_path / "broken_method.py").write_text("def (")
    monkeypatch.syspath_prepend(tmp_path)


def read(text: str, folder: Path) -> BenchConfig:
    path = folder / "bench.toml"
    path.write_text(text)
    return read_config(path)


def test_defaults_are_the_papers(tmp_path: Path) -> None:
    text = 'methods = ["fnns"]\n[datasets.celeba]\nfolder = "faces"\n'
    assert read(text, tmp_path) == BenchConfig(
        methods=("fnns",),
        datasets=(Dataset("celeba", tmp_path / "faces", crop=192, count=100, paper="CelebA"),),
        seed=0,
        pictures=4,
    )


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = """
        methods = ["lsb-matching", "fnns", "lsb-matching"]
        seed = 7
        pictures = 0
        [datasets.second]
        folder = "/photos"
        crop = 64
        count = 3
        paper = "MSCOCO"
        [datasets.first]
        folder = "b"
    """
    config = read(text, tmp_path)
    assert config.methods == ("lsb-matching", "fnns")
    assert (config.seed, config.pictures) == (7, 0)
    second, first = config.datasets
    assert second == Dataset("second", Path("/photos"), crop=64, count=3, paper="MSCOCO")
    assert first == Dataset("first", tmp_path / "b", crop=512, count=100, paper="")


def test_groups_of_methods() -> None:
    assert expand_methods(("all",)) == tuple(METHODS)
    paper = expand_methods(("lsb-matching", "paper", "fnns"))
    assert paper[:2] == ("lsb-matching", "fnns")
    assert len(paper) == len(set(paper)) == 25
    assert {"hyperbase-3", "elicbase-6", "liso-jpeg", "fnns-jpg90-train"} < set(paper)
    assert not {"hyperbase-1", "hide-balanced", "fnns-r"} & set(paper)


@pytest.mark.usefixtures("mine")
def test_a_method_of_the_users_own() -> None:
    for name in ("configured_method:Mine", "configured_method:make"):
        assert expand_methods((name,)) == (name,)
        assert open_method(name).name == "mine"


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("configured_method:Missing", "no class or function"),
        ("configured_method:needs", "without arguments"),
        ("configured_method:number", "is a int"),
        ("configured_method:Slash", "attribute `name`"),
        ("configured_method:faulty", "ZeroDivisionError: division by zero"),
        ("broken_method:Mine", "cannot be made: SyntaxError"),
        ("no_such_module:Mine", "No module named 'no_such_module'.*PYTHONPATH"),
        ("configured_method:", "form package.module:Class"),
        (".relative:Mine", "form package.module:Class"),
        ("fnnss", "no method 'fnnss'"),
    ],
)
def test_a_method_that_is_none_is_a_sentence(name: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        expand_methods((name,))


DATASET = '[datasets.a]\nfolder = "a"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("methods = [", "not TOML"),
        (DATASET, "methods = a list of names"),
        ('methods = "fnns"\n' + DATASET, "methods = a list of names, not 'fnns'"),
        ("methods = []\n" + DATASET, "methods"),
        ('methods = ["fnns"]', r"table \[datasets.NAME\]"),
        ('methods = ["fnns"]\nsed = 1\n' + DATASET, "unknown key 'sed'"),
        ('methods = ["fnns"]\nseed = "1"\n' + DATASET, "seed = '1', not a whole number"),
        ('methods = ["fnns"]\nseed = true\n' + DATASET, "seed = True"),
        ('methods = ["fnns"]\nseed = -1\n' + DATASET, "seed = -1"),
        ('methods = ["fnns"]\npictures = -1\n' + DATASET, "pictures = -1"),
        ('methods = ["nothing"]\n' + DATASET, "'nothing'"),
        ('methods = ["fnns"]\ndatasets.a = 3', "'a' is 3"),
        ('methods = ["fnns"]\n[datasets.a]\ncrop = 64', "'a' lacks the key 'folder'"),
        ('methods = ["fnns"]\n' + DATASET + "crops = 64", "'a' has the unknown key 'crops'"),
        ('methods = ["fnns"]\n' + DATASET + "crop = 8", "crop = 8"),
        ('methods = ["fnns"]\n' + DATASET + "crop = 64.0", "crop = 64.0"),
        ('methods = ["fnns"]\n' + DATASET + "count = 0", "count = 0"),
        ('methods = ["fnns"]\n' + DATASET + 'paper = "Kodak"', "paper = 'Kodak'.*MSCOCO"),
        ('methods = ["fnns"]\n[datasets."../a"]\nfolder = "a"', "called '../a'"),
        ('methods = ["fnns"]\n[datasets.a]\nfolder = 3', "folder = 3"),
    ],
)
def test_a_wrong_file_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=sentence):
        read(text, tmp_path)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no file .*missing\.toml"):
        read_config(tmp_path / "missing.toml")
