"""Runs a benchmark: every method on every photo, each once, going on where it was stopped.

```
 BenchConfig ─► plan: Units, what is missing ─► Engine: here, processes, or a Ray cluster
                                                    │ Outcomes, as they come
                           results.sqlite, pictures/ ◄┘ written by this process alone
```

A unit is one photo with the methods that find the same picture for it and differ only in how they
save it (:attr:`PaintedMethod.search`): they share the search, and its seconds.
"""

from __future__ import annotations

import os
import platform
import signal
import threading
import time
import traceback
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from latentink import __version__
from latentink.benchmark.bits import photo_bits
from latentink.benchmark.config import BenchConfig, open_method
from latentink.benchmark.datasets import choose_photos, load_photo
from latentink.benchmark.figures import COVER
from latentink.benchmark.measurement import Judges, Origin, make_judges, measure
from latentink.benchmark.store import Key, Refusal, Result, Results, key_of
from latentink.bundled import bundled
from latentink.codecs.loading import fingerprint_of
from latentink.codecs.registry import CODECS
from latentink.errors import LatentinkError, OptionError, OutputError, WeightsError
from latentink.interrupts import interrupts_held
from latentink.methods.method import Method, PaintedMethod, Stego
from latentink.methods.registry import METHODS
from latentink.methods.saving import eight_bits
from latentink.picture import encode_png, write_atomically

RESULTS = "results.sqlite"
PICTURES = "pictures"
_PACKAGES = ("torch", "numpy", "pillow", "compressai")


@dataclass(frozen=True)
class Unit:
    """What one worker does at a time.

    Attributes:
        dataset: name of the set of photos.
        photo: file.
        crop: side of the centre crop in pixels.
        methods: entries of a configuration; all find the same picture.
        seed: of the bits and of the methods.
        keep_pictures: whether to bring the stegos along as pictures.
    """

    dataset: str
    photo: Path
    crop: int
    methods: tuple[str, ...]
    seed: int
    keep_pictures: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of one method on one photo.

    Attributes:
        result: figures, or why there are none.
        spent: wall time in seconds that the worker took for it, measuring included; of methods
            that share a search, the first one's has it.
        picture: the stego as a PNG file, where it was asked for.
    """

    result: Result
    spent: float
    picture: bytes | None = field(default=None, repr=False)


Take = Callable[[Outcome], None]
"""Receives outcomes one by one, in the process that started the run."""


class Engine(Protocol):
    """Works units off."""

    @property
    def description(self) -> str:
        """What it runs on, for the record."""

    def run(self, units: Sequence[Unit], take: Take) -> None:
        """Work the units off, in any order, and give each outcome to ``take`` as it comes.

        When interrupted or failing, it has given what was finished until then.

        Raises:
            LatentinkError: a photo or weights cannot be read, or workers die.
        """


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        total: results wanted, by method, those that were there before the run included.
        done: results that are there.
        spent: the workers' time in this run in seconds, by method.
        worked: results of this run, by method.
        started: of the run, as time.monotonic() counts.
    """

    total: dict[str, int]
    done: dict[str, int]
    spent: dict[str, float] = field(default_factory=dict)
    worked: dict[str, int] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def count(self, outcome: Outcome) -> None:
        """Take account of an outcome."""
        method = outcome.result.method
        self.done[method] += 1
        self.worked[method] = self.worked.get(method, 0) + 1
        self.spent[method] = self.spent.get(method, 0.0) + outcome.spent

    def seconds_left(self, method: str) -> float | None:
        """Return how much of the time left is a method's; None before its first result.

        Its mean so far for each result that is missing, divided by how many workers there seem to
        be: the sum of their time in relation to the clock's.
        """
        missing = self.total[method] - self.done[method]
        if missing <= 0:
            return 0.0
        everything = sum(self.spent.values())
        if method not in self.worked or everything <= 0:
            return None
        elapsed = time.monotonic() - self.started
        return self.spent[method] / self.worked[method] * missing * elapsed / everything

    def all_seconds_left(self) -> float | None:
        """Return the time left; None while a method that misses results has none in this run."""
        left = [self.seconds_left(method) for method in self.total]
        known = [seconds for seconds in left if seconds is not None]
        return sum(known) if len(known) == len(left) else None


OnResult = Callable[[Progress, Result | None], None]
"""Told at the start, without a result, and after each one."""


def run_benchmark(
    config: BenchConfig,
    folder: Path,
    engine: Engine,
    on_result: OnResult = lambda progress, result: None,
) -> Progress:
    """Measure what is missing in ``folder``.

    Writes ``results.sqlite`` (store.py), and for the first photos of each dataset
    ``pictures/DATASET/METHOD/PHOTO.png``, what the stego shows, and
    ``pictures/DATASET/cover/PHOTO.png``, the photo's crop.

    Args:
        config: what to measure.
        folder: of the results; made where it is missing.
        engine: that does it, such as :func:`local_engine`.
        on_result: for showing progress.

    Raises:
        OptionError: photos are missing, two methods have the same name, or the folder's results
            were made with other settings.
        WeightsError: a method's weights are missing or damaged.
        PictureError: a photo cannot be read.
        OutputError: the folder cannot be written.
    """
    methods = open_methods(config.methods)
    photos = {dataset.name: choose_photos(dataset, config.seed) for dataset in config.datasets}
    with Results(folder / RESULTS) as results:
        _record(config, engine, results)
        present = _present(config, photos, results, folder)
        units = plan(config, methods, photos, present)
        progress = _progress(methods, photos, units)
        on_result(progress, None)
        _keep_covers(config, photos, folder)

        def take(outcome: Outcome) -> None:
            # The picture first: a result says that its picture is there.
            if outcome.picture is not None:
                path = picture_path(folder, key_of(outcome.result))
                _make_folder(path.parent)
                write_atomically(path, outcome.picture)
            results.add(outcome.result)
            progress.count(outcome)
            on_result(progress, outcome.result)

        if units:
            engine.run(units, take)
    return progress


def picture_path(folder: Path, key: Key) -> Path:
    """Return where a stego's picture is kept below the folder of the results."""
    method, dataset, photo, _ = key
    return folder / PICTURES / dataset / method / f"{Path(photo).stem}.png"


def open_methods(names: Sequence[str]) -> dict[str, Method]:
    """Return the methods by their entries in a configuration.

    Raises:
        OptionError: two have the same name, or there is no such method.
        WeightsError: weights are missing or damaged.
    """
    methods = {name: opened(name) for name in names}
    owners: dict[str, str] = {}
    for entry, method in methods.items():
        if method.name == COVER:
            raise OptionError(
                f"The method {entry} is called {COVER}, as the photos are; change it."
            )
        if method.name in owners:
            raise OptionError(
                f"The methods {owners[method.name]} and {entry} are both called {method.name}; "
                "results are told apart by the name, so change one."
            )
        owners[method.name] = entry
    return methods


def group_by_search(methods: Mapping[str, Method]) -> list[tuple[str, ...]]:
    """Return the entries in groups that find the same picture, in the order of their first."""
    groups: dict[Hashable, list[str]] = {}
    for entry, method in methods.items():
        search = method.search if isinstance(method, PaintedMethod) else entry
        groups.setdefault(search, []).append(entry)
    return [tuple(group) for group in groups.values()]


def plan(
    config: BenchConfig,
    methods: Mapping[str, Method],
    photos: Mapping[str, Sequence[Path]],
    present: set[Key],
) -> list[Unit]:
    """Return what is missing: the first photo of every dataset, then the second, and so on.

    So a run that is stopped has about as many photos of each method and dataset.

    Args:
        config: what to measure.
        methods: by their entries in it.
        photos: of each dataset.
        present: keys of results that are there, with their pictures.
    """
    groups = group_by_search(methods)
    units = []
    for rank in range(max(map(len, photos.values()), default=0)):
        for dataset in config.datasets:
            if rank >= len(photos[dataset.name]):
                continue
            photo = photos[dataset.name][rank]
            for group in groups:
                missing = tuple(
                    entry
                    for entry in group
                    if (methods[entry].name, dataset.name, photo.name, config.seed) not in present
                )
                keep = rank < config.pictures
                if missing:
                    units.append(
                        Unit(dataset.name, photo, dataset.crop, missing, config.seed, keep)
                    )
    return units


def run_unit(unit: Unit, cover: np.ndarray) -> Iterator[Outcome]:
    """Embed and measure, a method after the other.

    Args:
        unit: what to do.
        cover: (H, W, 3) uint8, its photo, cropped.

    Raises:
        WeightsError: a method's weights are missing or damaged, which is no refusal of the cover.
    """
    origin = Origin(unit.dataset, unit.photo.name, unit.seed)
    sharing = Sharing(cover)
    for entry in unit.methods:
        started = time.monotonic()
        method = opened(entry)
        result: Result
        picture = None
        try:
            bits = photo_bits(method.bits_shape(cover), unit.seed, unit.photo.name)
            stego, seconds = sharing.embed(method, bits, unit.seed)
            result = measure(method, cover, bits, stego, seconds, origin, judges())
            if unit.keep_pictures:
                picture = encode_png(eight_bits(method.load(stego.data).picture))
        except WeightsError:
            raise
        except LatentinkError as error:
            result = Refusal(method.name, unit.dataset, unit.photo.name, unit.seed, str(error))
        except Exception as error:
            # A fault in a user's own method is the user's to read, and ends no other row.
            if entry in METHODS:
                raise
            reason = f"{entry} failed with {type(error).__name__}: {error} ({_place_of(error)})"
            result = Refusal(method.name, unit.dataset, unit.photo.name, unit.seed, reason)
        yield Outcome(result, time.monotonic() - started, picture)


def _place_of(error: Exception) -> str:
    """Return file and line that an exception was raised at."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"


class Sharing:
    """Embeds in one cover, and finds each picture that methods share once."""

    def __init__(self, cover: np.ndarray) -> None:
        """Take the cover (H, W, 3) uint8."""
        self.cover = cover
        self._found: dict[Hashable, tuple[np.ndarray, float]] = {}

    def embed(self, method: Method, bits: np.ndarray, seed: int) -> tuple[Stego, float]:
        """Return the stego and the seconds that it took, or would have taken alone.

        Args:
            method: that embeds.
            bits: the same for all methods with the same search.
            seed: of the method.

        Raises:
            LatentinkError: the method refuses the cover.
        """
        started = time.monotonic()
        if not isinstance(method, PaintedMethod):
            return method.embed(self.cover, bits, seed), time.monotonic() - started
        search = method.search
        if search not in self._found:
            picture = method.find(self.cover, bits)
            self._found[search] = picture, time.monotonic() - started
        picture, finding = self._found[search]
        started = time.monotonic()
        stego = method.load(method.saving.encode(picture))
        return stego, finding + time.monotonic() - started


@cache
def opened(entry: str) -> Method:
    """Return a method, loaded once in each process."""
    return open_method(entry)


@cache
def judges() -> Judges:
    """Return what measuring needs, loaded once in each process."""
    return make_judges()


# --- engines --------------------------------------------------------------------------------------


def local_engine(jobs: int) -> Engine:
    """Return an engine on this machine, with one torch thread in each of ``jobs`` processes.

    Raises:
        OptionError: ``jobs`` is below 1.
    """
    if jobs < 1:
        raise OptionError(f"{jobs} processes cannot do anything; choose 1 or more.")
    return InProcess() if jobs == 1 else Processes(jobs)


@dataclass(frozen=True)
class InProcess:
    """Works the units off here, one after the other, on one torch thread."""

    description = "1 process"

    def run(self, units: Sequence[Unit], take: Take) -> None:
        """Work the units off; each outcome is given before the next method begins."""
        with _one_thread():
            for unit in units:
                for outcome in run_unit(unit, load_photo(unit.photo, unit.crop)):
                    take(outcome)


@dataclass(frozen=True)
class Processes:
    """Works the units off in processes of this machine, each with one torch thread.

    Attributes:
        jobs: processes at most.
    """

    jobs: int

    @property
    def description(self) -> str:
        """The number of processes."""
        return f"{self.jobs} processes"

    def run(self, units: Sequence[Unit], take: Take) -> None:
        """Work the units off; outcomes of a unit are given when it is finished.

        Raises:
            OptionError: a process was killed.
        """
        others = set(active_children())
        # Forking a process whose libraries run threads may deadlock.
        pool = ProcessPoolExecutor(min(self.jobs, len(units)), get_context("spawn"), _start_worker)
        pending: set[Future[list[Outcome]]] = set()

        def collect(future: Future[list[Outcome]]) -> None:
            for outcome in future.result():
                take(outcome)
            pending.discard(future)

        try:
            with interrupts_held():
                pending.update(pool.submit(work, unit) for unit in units)
            for future in as_completed(frozenset(pending)):
                collect(future)
        except BaseException as error:
            for child in set(active_children()) - others:
                child.terminate()
            for future in [one for one in pending if _succeeded(one)]:
                collect(future)
            if isinstance(error, BrokenProcessPool):
                raise OptionError(
                    "A process was ended from outside, perhaps for want of memory; the results so "
                    "far are kept: go on with fewer jobs."
                ) from None
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def work(unit: Unit) -> list[Outcome]:
    """Return the outcomes of a unit; what a worker process runs."""
    return list(run_unit(unit, load_photo(unit.photo, unit.crop)))


def _succeeded(future: Future[list[Outcome]]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _start_worker() -> None:
    # Ctrl-C is the parent's to answer; it ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    torch.set_num_threads(1)


def _end_with_the_parent() -> None:
    """End this process when its parent is killed, which an executor's workers do not notice."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# --- what there is --------------------------------------------------------------------------------


def _present(
    config: BenchConfig,
    photos: Mapping[str, Sequence[Path]],
    results: Results,
    folder: Path,
) -> set[Key]:
    """Return the keys of results that are there, with their pictures where these are wanted."""
    refused = {key_of(refusal) for refusal in results.refusals()}
    shown = {
        (name, photo.name) for name, chosen in photos.items() for photo in chosen[: config.pictures]
    }

    def lacks_picture(key: Key) -> bool:
        wanted = (key[1], key[2]) in shown and key not in refused
        return wanted and not picture_path(folder, key).exists()

    return {key for key in results.present() if not lacks_picture(key)}


def _keep_covers(config: BenchConfig, photos: Mapping[str, Sequence[Path]], folder: Path) -> None:
    """Write the crops of the photos whose stegos are kept as pictures beside those."""
    for dataset in config.datasets:
        for photo in photos[dataset.name][: config.pictures]:
            path = picture_path(folder, (COVER, dataset.name, photo.name, config.seed))
            if not path.exists():
                _make_folder(path.parent)
                write_atomically(path, encode_png(load_photo(photo, dataset.crop)))


def _record(config: BenchConfig, engine: Engine, results: Results) -> None:
    """Keep where and how the results are made, and refuse to mix crops."""
    for dataset in config.datasets:
        results.claim(f"crop of {dataset.name}", str(dataset.crop))
        results.note(f"paper of {dataset.name}", dataset.paper)
        results.note(f"photos of {dataset.name}", f"{dataset.count} at most, seed {config.seed}")
    results.note("methods", ", ".join(config.methods))
    for codec in CODECS:
        results.note(f"weights of {codec}", fingerprint_of(bundled(codec)).hex())
    results.note("latentink", __version__)
    for package in _PACKAGES:
        results.note(package, version(package))
    results.note("python", platform.python_version())
    results.note("system", platform.platform())
    results.note("processor", _processor())
    results.note("cores", str(os.cpu_count()))
    results.note("engine", engine.description)


def _processor() -> str:
    """Return the processor's model; Python's own function knows it on few systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _progress(
    methods: Mapping[str, Method], photos: Mapping[str, Sequence[Path]], units: Sequence[Unit]
) -> Progress:
    total = sum(map(len, photos.values()))
    missing = dict.fromkeys(methods, 0)
    for unit in units:
        for entry in unit.methods:
            missing[entry] += 1
    return Progress(
        total={method.name: total for method in methods.values()},
        done={method.name: total - missing[entry] for entry, method in methods.items()},
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made: {error.strerror}.") from error
