"""What a benchmark measures, as a TOML file.

```toml
methods = ["paper", "lsb-matching", "my_package.my_module:MyMethod"]
seed = 0
pictures = 4

[datasets.kodak]
folder = "photos/kodak"   # relative to this file
crop = 512
count = 24
paper = "MSCOCO"
```
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentink.benchmark.datasets import (
    PAPER_COUNT,
    PAPER_TABLES,
    Dataset,
    default_crop,
    default_paper,
)
from latentink.benchmark.paper import paper_methods
from latentink.defaults import DEFAULT_DEVICE, LARGEST_SEED
from latentink.errors import LatentinkError, OptionError
from latentink.geometry import MINIMUM_SIDE
from latentink.input_files import read_toml
from latentink.methods.entries import MethodOptions
from latentink.methods.method import Method
from latentink.methods.registry import METHODS, load_method

DEFAULT_PICTURES = 4
LARGEST_CROP = 8192

_KEYS = ("methods", "seed", "pictures", "datasets")
_DATASET_KEYS = ("folder", "crop", "count", "paper")
_IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.\w+)*:[^\W\d]\w*")
# Names become names of folders.
_PLAIN_NAME = re.compile(r"\w[\w.+-]*")


@dataclass(frozen=True)
class BenchConfig:
    """What a benchmark measures.

    Attributes:
        methods: names of methods/registry.py, and import paths ``"package.module:Class"`` of the
            user's own methods (:func:`open_method`); each once.
        datasets: photos to measure on.
        seed: of the choice of photos, of the bits and of the methods.
        pictures: number of photos of each dataset whose stegos are kept as pictures.
    """

    methods: tuple[str, ...]
    datasets: tuple[Dataset, ...]
    seed: int = 0
    pictures: int = DEFAULT_PICTURES


def read_config(path: Path) -> BenchConfig:
    """Read a benchmark's TOML file.

    ``methods`` may hold ``"paper"``, all rows of the paper, and ``"all"``, all of the registry. A
    dataset's ``crop`` is the paper's by default, its ``count`` 100, its ``paper`` by its name.

    Args:
        path: of the file; a dataset's ``folder`` is relative to the folder that it is in.

    Raises:
        OptionError: the file is missing or is not TOML, or a key is unknown, missing, of the wrong
            type or out of its range, or a method is unknown; the sentence names it.
    """
    values = read_toml(path, "The configuration")
    table = _Table(f"The configuration {path}", values)
    table.check_keys(_KEYS)
    tables = table.tables("datasets")
    return BenchConfig(
        methods=expand_methods(table.words("methods")),
        datasets=tuple(_dataset(name, tables[name], path.parent) for name in tables),
        seed=table.integer("seed", 0, 0, LARGEST_SEED),
        pictures=table.integer("pictures", DEFAULT_PICTURES, 0, LARGEST_SEED),
    )


def expand_methods(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of methods with ``"paper"`` and ``"all"`` replaced by theirs, each once.

    Raises:
        OptionError: a method is unknown, or its import path does not lead to one.
    """
    registry = tuple(METHODS)
    published = set(paper_methods())
    groups = {"all": registry, "paper": tuple(name for name in registry if name in published)}
    expanded = [one for name in names for one in groups.get(name, (name,))]
    for name in expanded:
        if ":" in name:
            open_method(name)
        elif name not in registry:
            raise OptionError(
                f"There is no method {name!r}; `latentink methods` lists them, and a method of "
                "your own is named package.module:Class."
            )
    return tuple(dict.fromkeys(expanded))


def open_method(name: str, device: str = DEFAULT_DEVICE) -> Method:
    """Return the method of a configuration's entry.

    Args:
        name: of methods/registry.py, or ``"package.module:Class"``: a subclass of
            :class:`Method`, or a function that returns one, called without arguments.
        device: where the networks of the registry's methods compute.

    Raises:
        OptionError: there is no such method, or the import path does not lead to one.
        WeightsError: its weights are missing or damaged.
    """
    if ":" not in name:
        return load_method(name, MethodOptions(device=device))
    make = _imported(name)
    try:
        method = make()
    except LatentinkError:
        raise
    except (Exception, SystemExit) as error:
        raise _fault(name, error) from error
    if not isinstance(method, Method):
        raise OptionError(
            f"The method {name!r} is a {type(method).__name__}; make it a subclass of "
            "latentink.methods.method.Method."
        )
    if not _PLAIN_NAME.fullmatch(getattr(method, "name", "")):
        raise OptionError(
            f"The method {name!r} needs an attribute `name` of letters, digits and . _ + - only."
        )
    return method


def _imported(name: str) -> Callable[[], Any]:
    """Return the class or function of a user's own that ``"package.module:Class"`` names."""
    if not _IMPORT_PATH.fullmatch(name):
        raise OptionError(f"The method {name!r} is not of the form package.module:Class.")
    module_name, _, attribute = name.partition(":")
    try:
        make = getattr(importlib.import_module(module_name), attribute, None)
    except ImportError as error:
        raise OptionError(
            f"The method {name!r} cannot be imported ({error}); install its package, or name its "
            "folder in the environment variable PYTHONPATH."
        ) from error
    except (Exception, SystemExit) as error:
        raise _fault(name, error) from error
    if not callable(make) or not _takes_nothing(make):
        raise OptionError(
            f"The method {name!r} is no class or function that can be called without arguments."
        )
    return make


def _fault(name: str, error: BaseException) -> OptionError:
    """Return what to say of a fault in a user's own module."""
    return OptionError(
        f"The method {name!r} cannot be made: {type(error).__name__}: {error}; correct its module."
    )


def _takes_nothing(make: Any) -> bool:
    try:
        inspect.signature(make).bind()
    except (TypeError, ValueError):
        return False
    return True


def _dataset(name: str, values: Any, beside: Path) -> Dataset:
    if not _PLAIN_NAME.fullmatch(name):
        raise OptionError(
            f"A dataset is called {name!r}; take letters, digits and . _ + - for its name."
        )
    table = _Table(f"The dataset {name!r}", values)
    table.check_keys(_DATASET_KEYS)
    paper = table.word("paper", default_paper(name))
    if paper not in ("", *PAPER_TABLES):
        raise OptionError(
            f"The dataset {name!r} has paper = {paper!r}; choose {', '.join(PAPER_TABLES)}, or "
            "an empty word for none."
        )
    return Dataset(
        name=name,
        folder=beside / _expanded(table.word("folder"), name),
        crop=table.integer("crop", default_crop(name), MINIMUM_SIDE, LARGEST_CROP),
        count=table.integer("count", PAPER_COUNT, 1, LARGEST_SEED),
        paper=paper,
    )


def _expanded(folder: str, dataset: str) -> Path:
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        raise OptionError(
            f"The dataset {dataset!r} has folder = {folder!r}, but there is no such user; "
            "write the path in full."
        ) from None


@dataclass(frozen=True)
class _Table:
    """A TOML table, read with types.

    Attributes:
        owner: what to call it in an error.
        values: of its keys.
    """

    owner: str
    values: Mapping[str, Any]

    def check_keys(self, known: tuple[str, ...]) -> None:
        if not isinstance(self.values, dict):
            raise OptionError(f"{self.owner} is {self.values!r}, not a table of keys; make it one.")
        if unknown := [key for key in self.values if key not in known]:
            raise OptionError(
                f"{self.owner} has the unknown key {unknown[0]!r}; known are {', '.join(known)}."
            )

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        value = self.values.get(key, default)
        if type(value) is not int:
            raise OptionError(f"{self.owner} has {key} = {value!r}, not a whole number.")
        if not low <= value <= high:
            raise OptionError(f"{self.owner} has {key} = {value}; choose {low} to {high}.")
        return value

    def word(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if value is None:
            raise OptionError(f"{self.owner} lacks the key {key!r}; add it.")
        if not isinstance(value, str):
            raise OptionError(f"{self.owner} has {key} = {value!r}, not a text in quotes.")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            raise OptionError(f"{self.owner} needs {key} = a list of names, not {value!r}.")
        return tuple(value)

    def tables(self, key: str) -> Mapping[str, Any]:
        value = self.values.get(key)
        if not isinstance(value, dict) or not value:
            raise OptionError(f"{self.owner} needs a table [{key}.NAME] for each dataset.")
        return value
