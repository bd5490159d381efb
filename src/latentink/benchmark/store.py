"""Results of a benchmark in an SQLite file: each written once, as soon as it is there.

```
results      method, dataset, photo, seed │ status, reason │ figures of Measurement
             └────────── key ───────────┘   done or refused
environment  key, value                     where and how they were measured
```

Every result is a transaction of its own in a write-ahead log, so a killed run loses none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from latentink.benchmark.extras import import_pandas
from latentink.benchmark.measurement import Measurement
from latentink.errors import OptionError, OutputError

if TYPE_CHECKING:
    import pandas as pd

DONE = "done"
REFUSED = "refused"
_KEY = ("method", "dataset", "photo", "seed")
_TYPES = {"str": "TEXT", "int": "INTEGER", "float": "REAL"}
# Another run on the same file holds the lock for an insertion only.
_LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Refusal:
    """A method did not take a cover.

    Attributes:
        method: name.
        dataset: name of the set of photos.
        photo: name of the photo.
        seed: of the bits and of the method.
        reason: a sentence.
    """

    method: str
    dataset: str
    photo: str
    seed: int
    reason: str


Result = Measurement | Refusal
"""What an embedding came to."""

Key = tuple[str, str, str, int]
"""Method, dataset, photo and seed of a result."""


def key_of(result: Result) -> Key:
    """Return the key of a result."""
    return result.method, result.dataset, result.photo, result.seed


class Results:
    """The results in a file; also a context manager, which closes it."""

    def __init__(self, path: Path, create: bool = True) -> None:
        """Open the file.

        Args:
            path: of the file.
            create: make it, and its folder, where it is missing.

        Raises:
            OptionError: the file is missing and not to be made, is no such file, or is of another
                version of latentink.
            OutputError: it cannot be opened.
        """
        if not create and not path.is_file():
            raise OptionError(f"There are no results in {path}; run the benchmark first.")
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None)
        except (OSError, sqlite3.OperationalError) as error:
            raise OutputError(
                f"The results {path} cannot be opened: {error}; choose another folder."
            ) from error
        # Text that is no UTF-8 is no column or figure of ours, and is told as such.
        self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, result: Result) -> bool:
        """Write a result at once; one that is there already stays as it is.

        Returns:
            Whether it was new.

        Raises:
            OutputError: the file cannot be written, as on a full disk.
        """
        status = REFUSED if isinstance(result, Refusal) else DONE
        row = {**asdict(result), "status": status}
        names, places = ", ".join(row), ", ".join("?" * len(row))
        statement = f"INSERT OR IGNORE INTO results ({names}) VALUES ({places})"
        return self._write(statement, tuple(row.values())) == 1

    def present(self) -> set[Key]:
        """Return the keys of all results, refusals included."""
        return set(self._query(f"SELECT {', '.join(_KEY)} FROM results"))

    def measurements(self) -> list[Measurement]:
        """Return all measurements in the order of their writing."""
        names = [field.name for field in fields(Measurement)]
        return [Measurement(*row) for row in self._rows(names, DONE)]

    def refusals(self) -> list[Refusal]:
        """Return all refusals in the order of their writing."""
        names = [field.name for field in fields(Refusal)]
        return [Refusal(*row) for row in self._rows(names, REFUSED)]

    def frame(self) -> pd.DataFrame:
        """Return a table with a row for each result, in the order of their writing.

        Columns are method, dataset, photo, seed, status, reason and the figures of
        :class:`Measurement`, which are NaN where there are none.

        Raises:
            OptionError: pandas is missing.
        """
        pandas = import_pandas()
        names = ", ".join(_columns())
        rows = self._query(f"SELECT {names} FROM results ORDER BY rowid")
        frame: pd.DataFrame = pandas.DataFrame(rows, columns=list(_columns()))
        numbers = [name for name, kind in _columns().items() if kind == "REAL"]
        return frame.astype(dict.fromkeys([*numbers, "payload_bits"], "float64"))

    def forget_refusals(self) -> int:
        """Delete the refusals, so that they are tried again; return how many there were."""
        return self._write("DELETE FROM results WHERE status = ?", (REFUSED,))

    def note(self, key: str, value: str) -> None:
        """Keep something about the environment; a key may have several values.

        Raises:
            OutputError: the file cannot be written.
        """
        self._write("INSERT OR IGNORE INTO environment VALUES (?, ?)", (key, value))

    def claim(self, key: str, value: str) -> None:
        """Keep a setting that all results must share.

        Raises:
            OptionError: the results were made with another value.
            OutputError: the file cannot be written.
        """
        known = self.environment().get(key, [value])[0]
        if known != value:
            raise OptionError(
                f"The results in {self.path} were made with {key} = {known}, not {value}; "
                "choose another folder."
            )
        self.note(key, value)

    def environment(self) -> dict[str, list[str]]:
        """Return what was noted: the values of each key, oldest first."""
        noted: dict[str, list[str]] = {}
        for key, value in self._query("SELECT key, value FROM environment ORDER BY rowid"):
            noted.setdefault(key, []).append(value)
        return noted

    def _prepare(self) -> None:
        columns = _columns()
        described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        with self._told():
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS results ({described}, PRIMARY KEY ({', '.join(_KEY)}))"
            )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS environment "
                "(key TEXT, value TEXT, PRIMARY KEY (key, value))"
            )
        found = [row[1] for row in self._query("PRAGMA table_info(results)")]
        if found != list(columns):
            raise OptionError(
                f"The results in {self.path} are of another version of latentink; choose another "
                "folder."
            )

    def _rows(self, names: list[str], status: str) -> Iterator[tuple]:
        statement = f"SELECT {', '.join(names)} FROM results WHERE status = ? ORDER BY rowid"
        return iter(self._query(statement, (status,)))

    def _query(self, statement: str, values: tuple = ()) -> list[tuple]:
        with self._told():
            return self._connection.execute(statement, values).fetchall()

    def _write(self, statement: str, values: tuple) -> int:
        with self._told():
            return self._connection.execute(statement, values).rowcount

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what is wrong with the file in a sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"The results {self.path} cannot be written: {error}; choose another folder."
            ) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise OptionError(
                f"{self.path} is not a file of results: {error}; choose another folder."
            ) from error


def _columns() -> dict[str, str]:
    """Return SQLite's types of all columns, by name."""
    kinds = {field.name: _TYPES[str(field.type).split(" |")[0]] for field in fields(Measurement)}
    key = {name: kinds.pop(name) for name in _KEY}
    return {**key, "status": "TEXT", "reason": "TEXT", **kinds}
