"""``latentink bench``: every row of the paper's tables, and more, from one command."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentink.cli.errors import for_people
from latentink.cli.options import DeviceOption
from latentink.cli.progress import progress_bar
from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import OptionError

if TYPE_CHECKING:
    from latentink.benchmark.engines import Engine
    from latentink.benchmark.progress import Progress
    from latentink.benchmark.store import Result

bench_app = typer.Typer(
    help="Compare methods on photos, beside the paper's tables.", no_args_is_help=True
)
_ENGINES = ("local", "ray")


@bench_app.command("run")
@for_people
def bench_run_command(
    config: Annotated[Path, typer.Option(help="What to measure, a TOML file (docs/extend.md).")],
    out: Annotated[Path, typer.Option(help="Folder of the results; a second run goes on there.")],
    jobs: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    engine: Annotated[str, typer.Option(help="local, or ray: a Ray cluster.")] = "local",
    address: Annotated[
        str | None, typer.Option(help="Address of a Ray cluster; by default one is started here.")
    ] = None,
    gpus: Annotated[
        float, typer.Option(help="GPUs for each Ray task; 0.25 lets four tasks share one.")
    ] = 0.0,
    device: DeviceOption = DEFAULT_DEVICE,
    retry_refused: Annotated[
        bool, typer.Option("--retry-refused", help="Try again what methods refused before.")
    ] = False,
) -> None:
    """Measure what is missing, a result at a time; kill it and start it again as you like."""
    from latentink.benchmark.config import read_config
    from latentink.benchmark.layout import RESULTS
    from latentink.benchmark.runner import run_benchmark
    from latentink.benchmark.store import Results

    chosen_engine = _engine(engine, jobs, address, gpus, device)
    read = read_config(config)
    if retry_refused:
        with Results(out / RESULTS, create=False) as results:
            print(f"{results.forget_refusals()} refusals are tried again")
    with progress_bar("left") as bar:
        task = bar.add_task("measuring", total=None, left="")

        def show(progress: Progress, result: Result | None) -> None:
            bar.update(
                task,
                description="measuring" if result is None else f"{result.method}, {result.photo}",
                total=sum(progress.total.values()),
                completed=sum(progress.done.values()),
                left=left(progress, result),
            )

        progress = run_benchmark(read, out, chosen_engine, show, device)
    print(f"{sum(progress.done.values())} results in {out}; `latentink bench report {out}`")
    for method, seconds in sorted(progress.spent.items(), key=lambda item: -item[1]):
        print(f"{method}: {seconds / progress.worked[method]:.1f} s a photo")


@bench_app.command("report")
@for_people
def bench_report_command(
    folder: Annotated[Path, typer.Argument(help="Folder of the results.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; the results' own by default.")
    ] = None,
) -> None:
    """Write the tables, figures and the report of what has been measured so far."""
    from latentink.benchmark.report import report_folder

    with progress_bar() as bar:
        task = bar.add_task("comparing pictures", total=None)
        path = report_folder(
            folder,
            out or folder,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(f"report written to {path}")


def left(progress: Progress, result: Result | None) -> str:
    """Return the time left, for everything and for the method of the last result."""
    everything = progress.all_seconds_left()
    text = "" if everything is None else f"{timedelta(seconds=round(everything))} left"
    own = None if result is None else progress.seconds_left(result.method)
    if result is None or own is None:
        return text
    return f"{text}  ({result.method}: {timedelta(seconds=round(own))})"


def _engine(name: str, jobs: int, address: str | None, gpus: float, device: str) -> Engine:
    """Return the engine that the options ask for.

    Raises:
        OptionError: an option is out of its range, or does not go with the engine.
    """
    if jobs < 1:
        raise OptionError(f"--jobs is {jobs}; choose 1 or more.")
    if name not in _ENGINES:
        raise OptionError(f"--engine takes {' or '.join(_ENGINES)}, not {name!r}.")
    if name == "local" and (address is not None or gpus):
        raise OptionError("--address and --gpus belong to --engine ray.")
    if name == "ray":
        from latentink.benchmark.ray_engine import RayEngine

        # On a cluster the GPUs are elsewhere, so that only the name says that they are wanted.
        return RayEngine(address=address, gpus=gpus or (1.0 if device == "cuda" else 0.0))
    from latentink.benchmark.engines import local_engine

    return local_engine(jobs)
