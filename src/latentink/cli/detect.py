"""``latentink detect``: StegExpose's verdict on each of the pictures and folders named."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentink.cli.errors import for_people
from latentink.cli.options import DeviceOption
from latentink.cli.progress import progress_bar
from latentink.cli.shown import shown
from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import LatentinkError, OptionError, PictureError
from latentink.picture import check_output, decode_picture, read_file, write_atomically

if TYPE_CHECKING:
    import numpy as np

    from latentink.steganalysis.stegexpose import Analysis

SOME_SKIPPED = 1
"""Exit code where some files could not be read and the others were examined."""
COLUMNS = (
    "File name",
    "Above stego threshold?",
    "Secret message size in bytes (ignore for clean files)",
    "Primary Sets",
    "Chi Square",
    "Sample Pairs",
    "RS analysis",
)
FUSION_COLUMNS = {"default": "Fusion (mean)", "fast": "Fusion (mean & fast)"}
_THRESHOLD = 0.2
# Starting a process costs as much time as examining about so many photos.
_FILES_A_PROCESS = 8


@dataclass(frozen=True)
class Source:
    """A file to examine.

    Attributes:
        path: of the file.
        name: below the folder that was named, or the file's own.
    """

    path: Path
    name: str


@dataclass(frozen=True)
class Finding:
    """A file with either what the detectors say or the reason why it was skipped."""

    source: Source
    file_bytes: int = 0
    analysis: Analysis | None = None
    reason: str = ""


@for_people
def detect_command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures (PNG, BMP, JPEG, WebP), .lik files, and folders with all below them.",
            metavar="PATH",
        ),
    ],
    mode: Annotated[
        str,
        typer.Option(
            help="default: all four detectors; fast: stop where the first ones find nothing.",
        ),
    ] = "default",
    threshold: Annotated[
        float, typer.Option(help="Mean of the detectors, 0 to 1, above which a file is stego.")
    ] = _THRESHOLD,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write the table of StegExpose here.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Processes at most; by default as many as there are cores.")
    ] = None,
    evaluate: Annotated[
        str | None,
        typer.Option(
            help="Instead, hide random bits in the pictures by this method (`latentink methods`) "
            "and measure how well detectors find the files.",
            metavar="METHOD",
            rich_help_panel="Evaluation",
        ),
    ] = None,
    detector: Annotated[
        list[str] | None,
        typer.Option(
            help="stegexpose, spam, srm, latents, xunet, yenet, siastegnet, or a file of "
            "`train detector`; can be repeated.",
            rich_help_panel="Evaluation",
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="What stegos are told from: plain, the same file without a message, or camera, "
            "the photo itself; can be repeated.",
            rich_help_panel="Evaluation",
        ),
    ] = None,
    learn_from: Annotated[
        Path | None,
        typer.Option(help="Folder of photos to learn from.", rich_help_panel="Evaluation"),
    ] = None,
    pairs: Annotated[
        int, typer.Option(help="Photos to test on at most.", rich_help_panel="Evaluation")
    ] = 100,
    learn_pairs: Annotated[
        int, typer.Option(help="Photos to learn from at most.", rich_help_panel="Evaluation")
    ] = 200,
    crop: Annotated[
        int, typer.Option(help="Side of the centre crop, pixels.", rich_help_panel="Evaluation")
    ] = 512,
    work: Annotated[
        Path,
        typer.Option(
            help="Folder for the files made; they are kept.", rich_help_panel="Evaluation"
        ),
    ] = Path("latentink-pairs"),
    roc: Annotated[
        Path | None,
        typer.Option(help="Write the ROC curves as PNG here.", rich_help_panel="Evaluation"),
    ] = None,
    device: DeviceOption = DEFAULT_DEVICE,
) -> None:
    """Say which files seem to hide a message in their lowest bits, with StegExpose's detectors.

    With --evaluate: say how well detectors find the files of a method.

    Exit code 0: every file was examined, or as many as --pairs says.

    Exit code 1: some could not be read as pictures and were skipped.

    Exit code 2: bad input, or nothing that could be read; no table is written.
    """
    from latentink.workers import available_cores

    if jobs is not None and jobs < 1:
        raise OptionError(f"--jobs is {jobs}; choose 1 or more.")
    jobs = jobs or available_cores()
    if evaluate is None:
        if detector or against or learn_from or roc:
            raise OptionError(
                "--detector, --against, --learn-from and --roc belong to --evaluate METHOD; "
                "verdicts on files are StegExpose's."
            )
        some_skipped = _give_verdicts(paths, mode, threshold, csv_file, jobs)
    else:
        from latentink.cli.evaluate import EvaluateOptions, evaluate_detectors

        if mode != "default" or threshold != _THRESHOLD:
            raise OptionError("--mode and --threshold do not go with --evaluate; leave them out.")
        photos = [source.path for source in find_sources(paths, leave_out=csv_file)[0]]
        options = EvaluateOptions(
            method=evaluate,
            detectors=tuple(detector or ("stegexpose",)),
            references=tuple(against or ("plain",)),
            learn_from=learn_from,
            pairs=pairs,
            learn_pairs=learn_pairs,
            crop=crop,
            work=work,
            csv_file=csv_file,
            roc=roc,
            device=device,
        )
        some_skipped = evaluate_detectors(photos, options, jobs)
    if some_skipped:
        raise typer.Exit(SOME_SKIPPED)


def _give_verdicts(
    paths: list[Path], mode: str, threshold: float, csv_file: Path | None, jobs: int
) -> bool:
    """Examine the files, print the verdicts and write the table; return whether some were skipped.

    Raises:
        OptionError: mode or threshold is none of StegExpose's.
        OutputError: the table cannot be written.
        PictureError: nothing can be examined.
    """
    from latentink.steganalysis.stegexpose import check_options

    check_options(mode, threshold)
    sources, unlisted = find_sources(paths, leave_out=csv_file)
    if csv_file is not None:
        check_output(csv_file, *(source.path for source in sources))
    findings = [*examine_all(sources, mode, threshold, jobs), *unlisted]
    examined = [finding for finding in findings if finding.analysis is not None]
    skipped = [finding for finding in findings if finding.analysis is None]
    for finding in skipped:
        print(f"skipped  {shown(finding.source.path)}: {finding.reason}", file=sys.stderr)
    if not examined:
        raise PictureError(
            "There is nothing to examine: no picture among the files named; "
            "name PNG, JPEG, WebP, AVIF, TIFF, BMP or .lik files."
        )
    if csv_file is not None:
        write_atomically(csv_file, as_csv(examined, mode))
    print_verdicts(examined, len(skipped))
    return bool(skipped)


def find_sources(paths: list[Path], leave_out: Path | None) -> tuple[list[Source], list[Finding]]:
    """Return the files named and those below the folders named, each once, and what is unreadable.

    Args:
        paths: files and folders, searched by name; links to folders below are not followed.
        leave_out: a .csv file, the result of an earlier run.

    Raises:
        PictureError: a path does not exist.
    """
    found: dict[Path, Source] = {}
    unlisted = []
    for path in paths:
        if not os.path.lexists(path):
            raise PictureError(f"There is no file or folder {shown(path)}; check the name.")
        if not path.is_dir():
            found.setdefault(_absolute(path), Source(path, path.name))
            continue
        errors: list[OSError] = []
        for folder, below, names in os.walk(path, onerror=errors.append):
            below.sort()
            for name in sorted(names):
                file = Path(folder, name)
                relative = file.relative_to(path).as_posix()
                found.setdefault(_absolute(file), Source(file, relative))
        for error in errors:
            reason = f"the folder cannot be read ({error.strerror})."
            unlisted.append(Finding(Source(Path(error.filename), error.filename), reason=reason))
    if leave_out is not None and leave_out.suffix.lower() == ".csv":
        found.pop(_absolute(leave_out), None)
    return _told_apart(list(found.values())), unlisted


def examine_all(sources: list[Source], mode: str, threshold: float, jobs: int) -> list[Finding]:
    """Return a finding for each source in their order, from up to ``jobs`` processes.

    Raises:
        OptionError: a process was killed.
    """
    from latentink.workers import WorkerPool, available_cores

    processes = min(jobs, -(-len(sources) // _FILES_A_PROCESS))
    with progress_bar() as progress:
        task = progress.add_task("examining", total=len(sources))

        def advance() -> None:
            progress.advance(task)

        if processes > 1:
            threads = max(1, available_cores() // processes)
            pool = WorkerPool(processes, threads)
            return pool.map(partial(examine, mode=mode, threshold=threshold), sources, advance)
        findings = []
        for source in sources:
            findings.append(examine(source, mode, threshold))
            advance()
        return findings


def examine(source: Source, mode: str, threshold: float) -> Finding:
    """Read one file and run the detectors; whatever is wrong with the file becomes the reason."""
    from latentink.steganalysis.stegexpose import analyse

    try:
        data = _read(source.path)
        analysis = analyse(_decode(data, source.path), mode, threshold)
    except LatentinkError as error:
        return Finding(source, reason=shown(str(error)))
    except MemoryError:
        return Finding(source, reason="there is not enough memory for it.")
    return Finding(source, len(data), analysis)


def as_csv(findings: list[Finding], mode: str) -> bytes:
    """Return StegExpose's table: its columns in its order, ``null`` and ``NaN`` as it has them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, FUSION_COLUMNS[mode]))
    for finding in findings:
        analysis = finding.analysis
        if analysis is None:
            continue
        values = (
            analysis.primary_sets,
            analysis.chi_square,
            analysis.sample_pairs,
            analysis.rs_analysis,
            analysis.fusion,
        )
        stego = "true" if analysis.is_stego else "false"
        size = analysis.message_bytes(finding.file_bytes)
        writer.writerow((finding.source.name, stego, size, *map(number, values)))
    # Names that are no text in the system's encoding keep their bytes.
    return text.getvalue().encode(errors="surrogateescape")


def number(value: float | None) -> str:
    """Return a number as Java writes it: ``null``, ``NaN``, 0.0123 or 1.23E-4."""
    if value is None:
        return "null"
    if value != value:
        return "NaN"
    text = repr(float(value))  # A NumPy number names its type.
    if value == 0 or value >= 1e-3:
        return text
    _, digits, exponent = Decimal(text).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{digits[0]}.{fraction}E{int(exponent) + len(digits) - 1}"


def print_verdicts(examined: list[Finding], skipped: int) -> None:
    """Print a line for each file and a summary on standard output."""
    counts: Counter[str] = Counter()
    print(f"verdict  {'mean':>5}  {'estimated message':>17}  file")
    for finding in examined:
        analysis = finding.analysis
        if analysis is None:
            continue
        verdict = "stego" if analysis.is_stego else "clean"
        size = f"{analysis.message_bytes(finding.file_bytes):,} bytes" if analysis.is_stego else ""
        counts[verdict] += 1
        print(f"{verdict}    {analysis.fusion:.3f}  {size:>17}  {shown(finding.source.path)}")
    total = f"{len(examined)} files" if len(examined) != 1 else "1 file"
    print(f"{total}: {counts['stego']} stego, {counts['clean']} clean; {skipped} skipped")


def _read(path: Path) -> bytes:
    """Return the bytes of a file; a pipe or a device, which may never end, is refused."""
    if path.exists() and not path.is_file():
        raise PictureError("it is not a regular file.")
    return read_file(path)


def _decode(data: bytes, path: Path) -> np.ndarray:
    """Return the picture (H, W, 3) uint8 in the bytes of an image or a .lik file."""
    from latentink.container import MAGIC

    if data.startswith(MAGIC) or path.suffix.lower() == ".lik":
        from latentink.steganography import decompress

        return decompress(data)
    return decode_picture(data, path.name)


def _told_apart(sources: list[Source]) -> list[Source]:
    """Name sources by their whole paths where several have the same name."""
    times = Counter(source.name for source in sources)
    return [s if times[s.name] == 1 else Source(s.path, s.path.as_posix()) for s in sources]


def _absolute(path: Path) -> Path:
    return Path(os.path.realpath(path.parent), path.name)
