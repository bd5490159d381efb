"""Runs a benchmark: every method on every photo once, going on where an earlier run stopped.

```
 BenchConfig ─► plan: Units that are missing ─► Engine: here, processes, or a Ray cluster
                                                    │ Outcomes, as they come
                           results.sqlite, pictures/ ◄┘ written by this process alone
```
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from latentink.benchmark.config import BenchConfig
from latentink.benchmark.datasets import Dataset, choose_photos, load_photo
from latentink.benchmark.engines import Engine
from latentink.benchmark.environment import note_environment
from latentink.benchmark.layout import COVER, RESULTS, make_folder, picture_path
from latentink.benchmark.progress import Progress
from latentink.benchmark.store import Key, Result, Results, key_of
from latentink.benchmark.units import Outcome, Unit, opened
from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import OptionError
from latentink.methods.method import Method, PaintedMethod
from latentink.picture import encode_png, write_atomically

OnResult = Callable[[Progress, Result | None], None]
"""Called at the start, without a result, and after each one."""

Photos = Mapping[str, Sequence[Path]]
"""The photos chosen, by the names of the datasets."""


def run_benchmark(
    config: BenchConfig,
    folder: Path,
    engine: Engine,
    on_result: OnResult = lambda progress, result: None,
    device: str = DEFAULT_DEVICE,
) -> Progress:
    """Measure what is missing in ``folder`` (layout.py).

    Args:
        config: what to measure.
        folder: of the results; made where it is missing.
        engine: that runs the units, such as :func:`~latentink.benchmark.engines.local_engine`.
        on_result: for showing progress.
        device: where networks compute: a key of :data:`latentink.devices.DEVICES`.

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
        note_environment(config, engine.description, results)
        present = _present(config, photos, results, folder)
        units = plan(config, methods, photos, present)
        progress = _progress(methods, photos, units)
        on_result(progress, None)
        _keep_covers(config, photos, folder)

        def take(outcome: Outcome) -> None:
            # The picture first: a result says that its picture is there.
            if outcome.picture is not None:
                path = _picture_of(folder, key_of(outcome.result))
                make_folder(path.parent)
                write_atomically(path, outcome.picture)
            results.add(outcome.result)
            progress.count(outcome)
            on_result(progress, outcome.result)

        if units:
            engine.run([replace(unit, device=device) for unit in units], take)
    return progress


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
                f"The method {entry} is called {COVER}, as the photos are; change its name."
            )
        if method.name in owners:
            raise OptionError(
                f"The methods {owners[method.name]} and {entry} are both called {method.name}; "
                "results are told apart by the name, so change one."
            )
        owners[method.name] = entry
    return methods


def plan(
    config: BenchConfig, methods: Mapping[str, Method], photos: Photos, present: set[Key]
) -> list[Unit]:
    """Return the missing units: of the first photo of every dataset, then the second, and so on.

    So a run that is stopped has about as many photos of each method and dataset.

    Args:
        config: what to measure.
        methods: by their entries in it.
        photos: of each dataset.
        present: keys of results that are there, with their pictures.
    """
    groups = group_by_search(methods)
    units = []
    for rank, dataset, photo in _photo_by_photo(config, photos):
        for group in groups:
            missing = tuple(
                entry
                for entry in group
                if (methods[entry].name, dataset.name, photo.name, config.seed) not in present
            )
            keep = rank < config.pictures
            if missing:
                units.append(Unit(dataset.name, photo, dataset.crop, missing, config.seed, keep))
    return units


def group_by_search(methods: Mapping[str, Method]) -> list[tuple[str, ...]]:
    """Return the entries in groups that find the same picture, in the order of their first."""
    groups: dict[Hashable, list[str]] = {}
    for entry, method in methods.items():
        search = method.search if isinstance(method, PaintedMethod) else entry
        groups.setdefault(search, []).append(entry)
    return [tuple(group) for group in groups.values()]


def _photo_by_photo(config: BenchConfig, photos: Photos) -> Iterator[tuple[int, Dataset, Path]]:
    """Yield the first photo of every dataset, then the second, and so on, each with its rank."""
    for rank in range(max(map(len, photos.values()), default=0)):
        for dataset in config.datasets:
            if rank < len(photos[dataset.name]):
                yield rank, dataset, photos[dataset.name][rank]


def _present(config: BenchConfig, photos: Photos, results: Results, folder: Path) -> set[Key]:
    """Return the keys of results that are there, with their pictures where these are wanted."""
    refused = {key_of(refusal) for refusal in results.refusals()}
    shown = {
        (name, photo.name) for name, chosen in photos.items() for photo in chosen[: config.pictures]
    }

    def lacks_picture(key: Key) -> bool:
        wanted = (key[1], key[2]) in shown and key not in refused
        return wanted and not _picture_of(folder, key).exists()

    return {key for key in results.present() if not lacks_picture(key)}


def _keep_covers(config: BenchConfig, photos: Photos, folder: Path) -> None:
    """Write the crops of those photos whose stegos are kept as pictures."""
    for dataset in config.datasets:
        for photo in photos[dataset.name][: config.pictures]:
            path = picture_path(folder, dataset.name, COVER, photo.name)
            if not path.exists():
                make_folder(path.parent)
                write_atomically(path, encode_png(load_photo(photo, dataset.crop)))


def _progress(methods: Mapping[str, Method], photos: Photos, units: Sequence[Unit]) -> Progress:
    total = sum(map(len, photos.values()))
    missing = dict.fromkeys(methods, 0)
    for unit in units:
        for entry in unit.methods:
            missing[entry] += 1
    return Progress(
        total={method.name: total for method in methods.values()},
        done={method.name: total - missing[entry] for entry, method in methods.items()},
    )


def _picture_of(folder: Path, key: Key) -> Path:
    method, dataset, photo, _ = key
    return picture_path(folder, dataset, method, photo)
