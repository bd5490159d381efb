"""A benchmark's tables: means over photos with their intervals, the paper's figures beside them.

Tables are DataFrames of numbers, in the order of the paper's rows; texts.py prints them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from latentink.benchmark.extras import import_pandas
from latentink.benchmark.paper import PaperTables
from latentink.benchmark.store import DONE, REFUSED
from latentink.errors import OptionError
from latentink.metrics.detection import wilson_interval
from latentink.steganalysis.stegexpose import THRESHOLD

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Quantity:
    """A column of a table.

    Attributes:
        key: column of the results.
        heading: of the column, with its unit.
        format: of its numbers.
        paper: whether the paper's rows have it too, under the same name.
    """

    key: str
    heading: str
    format: Callable[[float], str]
    paper: bool = False


@dataclass(frozen=True)
class Interval:
    """A mean over photos.

    Attributes:
        mean: NaN where nothing was measured.
        half: of the 95 % interval, mean ± half; NaN with fewer than two photos.
    """

    mean: float
    half: float


def _digits(count: int) -> Callable[[float], str]:
    return f"{{:.{count}f}}".format


MAIN = (
    Quantity("psnr_db", "PSNR, dB", _digits(2), paper=True),
    Quantity("bpp", "bpp", _digits(3), paper=True),
    Quantity("accuracy", "accuracy", "{:.2%}".format, paper=True),
    Quantity("rsbpp_rate", "RSBPP rate", _digits(4), paper=True),
    Quantity("fid", "FID", _digits(1), paper=True),
    Quantity("fd_vgg", "FD-VGG", "{:.2g}".format),
)
"""The paper's columns, and the distance on VGG where Inception's weights are missing."""

MORE = (
    Quantity("ms_ssim", "MS-SSIM", _digits(4)),
    Quantity("lpips", "LPIPS", _digits(4)),
    Quantity("shannon_rate", "Shannon rate", _digits(4), paper=True),
    Quantity("delivered_rate", "delivered rate", _digits(4)),
    Quantity("payload_bits", "delivered, bits", _digits(0)),
    Quantity("seconds", "seconds", _digits(1)),
    Quantity("stegexpose", "StegExpose", _digits(3)),
    Quantity("latent_excess", "excess, bits", _digits(3)),
)

DETECTION = (
    Quantity("error_rate", "error rate", "{:.2%}".format, paper=True),
    Quantity("psnr_db", "PSNR, dB", _digits(2), paper=True),
    Quantity("detection", "detected", "{:.0%}".format, paper=True),
)
"""Table 4."""

_DISTANCES = ("fd_vgg", "fid")


def done(results: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that hold measurements."""
    return results[results["status"] == DONE] if "status" in results else results


def refused(results: pd.DataFrame) -> pd.DataFrame:
    """Return how many photos each method refused, and why it refused the first.

    Returns:
        Columns dataset, method, photos and reason; empty where there are none.
    """
    pandas = import_pandas()
    if "status" not in results:
        return pandas.DataFrame(columns=["dataset", "method", "photos", "reason"])
    rows = results[results["status"] == REFUSED].groupby(["dataset", "method"], sort=False)
    return rows.agg(photos=("photo", "nunique"), reason=("reason", "first")).reset_index()


def mean_interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Return the mean of some photos' figures with Student's 95 % interval.

    Args:
        values: a number for each photo; those that are NaN do not count.
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not numbers.size:
        return Interval(math.nan, math.nan)
    mean = float(numbers.mean())
    if numbers.size < 2 or not math.isfinite(mean):
        return Interval(mean, math.nan)
    error = float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
    return Interval(mean, error * float(stats.t.ppf((1 + CONFIDENCE) / 2, numbers.size - 1)))


def main_table(
    results: pd.DataFrame, dataset: str, paper: PaperTables, distances: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the paper's table of one dataset: tables 1 to 3.

    Args:
        results: a row for each embedding, with the columns of Measurement.
        dataset: name in the results.
        paper: to stand beside.
        distances: columns dataset, method, fd_vgg and fid (:func:`picture_distances`).

    Returns:
        Columns method (the paper's name where it has one), name (the registry's), photos, and for
        each of :data:`MAIN` ``KEY``, ``KEY_half``, ``paper_KEY`` and ``KEY_difference`` (ours less
        the paper's), the last two where the paper has the column.

    Raises:
        OptionError: pandas is missing, or the results have no such dataset.
    """
    table = _means(results, dataset, paper, paper.rows, MAIN)
    for key in _DISTANCES:
        table[key] = table["name"].map(_distances_of(distances, dataset, key)).astype(float)
    return _with_differences(table, MAIN)


def more_table(results: pd.DataFrame, dataset: str, paper: PaperTables) -> pd.DataFrame:
    """Return what the paper has no columns for, in the layout of :func:`main_table`.

    The paper's Shannon rate is computed from its accuracy and bpp.

    Raises:
        OptionError: pandas is missing, or the results have no such dataset.
    """
    return _with_differences(_means(results, dataset, paper, paper.rows, MORE), MORE)


def detection_table(results: pd.DataFrame, dataset: str, paper: PaperTables) -> pd.DataFrame:
    """Return table 4 of one dataset, in the layout of :func:`main_table`.

    ``detection`` is the share of the stegos whose StegExpose score is above 0.2, ``detection_low``
    and ``detection_high`` its 95 % interval (Wilson). Against the stegos alone: without the share
    among plain files it does not say how well a method hides.

    Raises:
        OptionError: pandas is missing, or the results have no such dataset.
    """
    own = done(results).assign(error_rate=lambda frame: 1 - frame["accuracy"])
    own["detection"] = (own["stegexpose"] > THRESHOLD).astype(float)
    table = _means(own, dataset, paper, paper.detections, DETECTION)
    counts = own[own["dataset"] == dataset].groupby("method")["detection"].agg(["sum", "count"])
    ends = [
        wilson_interval(int(counts["sum"][name]), int(counts["count"][name]), CONFIDENCE)
        for name in table["name"]
    ]
    table = table.drop(columns="detection_half")
    table["detection_low"], table["detection_high"] = zip(*ends, strict=True)
    return _with_differences(table, DETECTION)


def _means(
    results: pd.DataFrame,
    dataset: str,
    paper: PaperTables,
    published: pd.DataFrame,
    quantities: Sequence[Quantity],
) -> pd.DataFrame:
    """Return means over photos, and the paper's figures from ``published``."""
    pandas = import_pandas()
    own = done(results)
    own = own[own["dataset"] == dataset]
    if own.empty:
        raise OptionError(f"Nothing was measured on {dataset!r}; run the benchmark first.")
    measured = [one.key for one in quantities if one.key not in _DISTANCES]
    own = own.astype(dict.fromkeys(measured, "float64"))
    beside = published[published["dataset"] == paper.beside.get(dataset)]
    theirs = {row["method"]: row for row in beside.to_dict("records")}
    rows = []
    for name in _in_the_papers_order(list(own["method"].unique()), list(theirs)):
        row = theirs.get(name, {})
        # Several seeds on a photo are no independent photos.
        photos = own[own["method"] == name].groupby("photo")[measured].mean()
        cells = {"method": row.get("label", name), "name": name, "photos": len(photos)}
        for one in quantities:
            interval = mean_interval(photos[one.key] if one.key in measured else ())
            cells |= {one.key: interval.mean, f"{one.key}_half": interval.half}
            if one.paper:
                cells[f"paper_{one.key}"] = row.get(one.key, math.nan)
        rows.append(cells)
    return pandas.DataFrame(rows)


def _in_the_papers_order(measured: list[str], published: list[str]) -> list[str]:
    """Return what was measured: the paper's rows in its order, then the others in theirs."""
    return [
        *(name for name in published if name in measured),
        *(name for name in measured if name not in published),
    ]


def _with_differences(table: pd.DataFrame, quantities: Sequence[Quantity]) -> pd.DataFrame:
    for one in quantities:
        if one.paper:
            table[f"{one.key}_difference"] = table[one.key] - table[f"paper_{one.key}"]
    return table


def _distances_of(distances: pd.DataFrame | None, dataset: str, key: str) -> dict[str, float]:
    if distances is None or key not in distances:
        return {}
    own = distances[distances["dataset"] == dataset]
    return dict(zip(own["method"], own[key], strict=True))
