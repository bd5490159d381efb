"""``latentink detect --evaluate METHOD``: how well detectors find a method's files."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latentink.cli.progress import progress_bar
from latentink.cli.shown import shown
from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import OptionError, PictureError
from latentink.geometry import MINIMUM_SIDE
from latentink.picture import (
    check_output,
    list_photos,
    read_picture,
    write_atomically,
)

if TYPE_CHECKING:
    from latentink.benchmark.evaluation import Evaluation
    from latentink.benchmark.pairs import PairsRecipe
    from latentink.steganalysis.detector import Detector, Pair

_SCORES = ("cover_scores", "stego_scores")


@dataclass(frozen=True)
class EvaluateOptions:
    """What ``detect --evaluate`` is told.

    Attributes:
        method: whose stegos are to be found.
        detectors: names, or files of ``train detector``.
        references: what stegos are told from (benchmark/evaluation.py).
        learn_from: folder of the photos that detectors learn from, or None.
        pairs: photos to test on at most.
        learn_pairs: photos to learn from at most.
        crop: side of the centre crops in pixels.
        work: folder of the pairs; a second run goes on with them.
        seed: of bits, methods and detectors.
        csv_file: table to write.
        roc: picture of the curves to write.
        device: where networks compute.
    """

    method: str
    detectors: tuple[str, ...] = ("stegexpose",)
    references: tuple[str, ...] = ("plain",)
    learn_from: Path | None = None
    pairs: int = 100
    learn_pairs: int = 200
    crop: int = 512
    work: Path = Path("latentink-pairs")
    seed: int = 0
    csv_file: Path | None = None
    roc: Path | None = None
    device: str = DEFAULT_DEVICE


def evaluate_detectors(files: list[Path], options: EvaluateOptions, jobs: int) -> bool:
    """Make the pairs, fit what learns, measure, and print a row for each detector and reference.

    Args:
        files: to test on; those that cannot be read are skipped, with a line on standard error.
        options: see there.
        jobs: processes that make pairs.

    Returns:
        Whether files were skipped.

    Raises:
        OptionError: an option does not serve; see the functions called.
        PictureError: no file can be read.
    """
    from latentink.benchmark.evaluation import draw_roc
    from latentink.benchmark.pairs import PairsRecipe

    _check(options)
    for output in (options.csv_file, options.roc):
        if output is not None:
            check_output(output, *files)
    learning = _must_any_learn(options)
    photos, skipped = readable(files, options.pairs)
    recipe = PairsRecipe(options.method, options.crop, options.seed)
    folder = options.work / options.method
    examples: list[Pair] = []
    if learning and options.learn_from is not None:
        sources, unread = readable(list_photos(options.learn_from), options.learn_pairs)
        skipped += unread
        if shared := {p.resolve() for p in sources} & {p.resolve() for p in photos}:
            raise OptionError(f"{min(shared)} is to be learned from and tested on; name others.")
        examples = _made(recipe, sources, folder / "learn", jobs, options.device)
    tested = _made(recipe, photos, folder / "test", jobs, options.device)
    evaluations = _evaluate_each(options, examples, tested)
    if options.csv_file is not None:
        write_atomically(options.csv_file, as_csv(evaluations))
    if options.roc is not None:
        write_atomically(options.roc, draw_roc(evaluations))
    print_evaluations(evaluations)
    return skipped > 0


def readable(files: list[Path], most: int) -> tuple[list[Path], int]:
    """Return the first ``most`` files that can be read, and how many before them cannot.

    Raises:
        PictureError: none can be read.
    """
    found: list[Path] = []
    skipped = 0
    for path in files:
        if len(found) == most:
            break
        try:
            read_picture(path)
        except PictureError as error:
            skipped += 1
            print(f"skipped  {shown(path)}: {shown(str(error))}", file=sys.stderr)
        else:
            found.append(path)
    if not found:
        raise PictureError(
            "There is nothing to examine: no picture among the files named; "
            "name PNG, JPEG, WebP, AVIF, TIFF or BMP files."
        )
    return found, skipped


def as_csv(evaluations: Sequence[Evaluation]) -> bytes:
    """Return a table of all figures, a row for each evaluation; the scores are left out."""
    rows = [
        {key: value for key, value in asdict(one).items() if key not in _SCORES}
        for one in evaluations
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue().encode()


def print_evaluations(evaluations: Sequence[Evaluation]) -> None:
    """Print the table on standard output."""
    from rich.console import Console
    from rich.table import Table

    headings = ("detector", "against", "found", "false alarms", "right", "95 %", "AUC", "P_E")
    table = Table(*headings, box=None, pad_edge=False)
    for one in evaluations:
        table.add_row(
            one.detector,
            one.reference,
            f"{one.detections:.1%}",
            f"{one.false_alarms:.1%}",
            f"{one.accuracy:.1%}",
            f"{one.accuracy_low:.1%} to {one.accuracy_high:.1%}",
            f"{one.auc:.3f}",
            f"{one.least_error:.3f}",
        )
    Console().print(table)
    print(f"{evaluations[0].method}: {evaluations[0].pairs} pairs")
    if any(one.reference == "camera" for one in evaluations):
        print(
            "Rows against plain are the honest ones; those against camera compare file formats too."
        )


def _check(options: EvaluateOptions) -> None:
    from latentink.benchmark.evaluation import REFERENCES

    if min(options.pairs, options.learn_pairs) < 1 or options.crop < MINIMUM_SIDE:
        raise OptionError(
            f"--pairs and --learn-pairs take 1 or more, --crop {MINIMUM_SIDE} or more."
        )
    if unknown := sorted(set(options.references) - set(REFERENCES)):
        raise OptionError(f"--against takes {' or '.join(REFERENCES)}, not {unknown[0]!r}.")


def _must_any_learn(options: EvaluateOptions) -> bool:
    """Say whether a detector has to learn first.

    Raises:
        OptionError: one has, and there are no photos to learn from; or there is no such detector.
    """
    from latentink.steganalysis.registry import make_detector
    from latentink.training.detector import must_learn

    learning = [name for name in options.detectors if must_learn(make_detector(name))]
    if learning and options.learn_from is None:
        raise OptionError(f"{learning[0]} has to learn first: name photos by --learn-from.")
    return bool(learning)


def _evaluate_each(
    options: EvaluateOptions, examples: list[Pair], tested: list[Pair]
) -> list[Evaluation]:
    """Evaluate each detector against each reference; what fails is said on standard error.

    Raises:
        OptionError: all failed; the first error.
    """
    evaluations: list[Evaluation] = []
    unable: list[OptionError] = []
    for name in options.detectors:
        for reference in options.references:
            try:
                fitted = _fitted(name, examples, reference, options)
                evaluations.append(_evaluation(fitted, options.method, tested, reference))
            except OptionError as error:
                unable.append(error)
                print(f"left out  {name}, against {reference}: {error}", file=sys.stderr)
    if not evaluations:
        raise unable[0]
    return evaluations


def _made(
    recipe: PairsRecipe, photos: list[Path], folder: Path, jobs: int, device: str
) -> list[Pair]:
    """Return the pairs of ``photos``; what the method refused is said on standard error."""
    from latentink.benchmark.pairs import make_pairs, read_pairs, refusals

    with progress_bar() as progress:
        task = progress.add_task(f"making {folder.name} pairs", total=len(photos))
        make_pairs(recipe, photos, folder, jobs, lambda: progress.advance(task), device)
    for name, reason in refusals(folder, photos).items():
        print(f"refused  {shown(name)}: {reason}", file=sys.stderr)
    return read_pairs(recipe, folder, photos)


def _fitted(name: str, examples: list[Pair], reference: str, options: EvaluateOptions) -> Detector:
    from latentink.benchmark.evaluation import fit
    from latentink.steganalysis.registry import make_detector
    from latentink.training.detector import must_learn

    detector = make_detector(name)
    if must_learn(detector):
        with progress_bar() as progress:
            progress.add_task(f"{name} learns", total=None)
            fit(detector, examples, reference, options.seed, options.device)
    return detector


def _evaluation(detector: Detector, method: str, pairs: list[Pair], reference: str) -> Evaluation:
    from latentink.benchmark.evaluation import evaluate_detector

    with progress_bar() as progress:
        task = progress.add_task(f"{detector.name} looks", total=len(pairs))
        return evaluate_detector(detector, method, pairs, reference, lambda: progress.advance(task))
