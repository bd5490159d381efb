"""A benchmark's report: one HTML file that needs nothing else, and its tables in four formats."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from latentink.benchmark.figures import draw_delivery, draw_pictures
from latentink.benchmark.frechet import load_inception, picture_distances
from latentink.benchmark.layout import PICTURES, RESULTS, make_folder
from latentink.benchmark.measurement import load_lpips
from latentink.benchmark.paper import PaperTables, paper_tables
from latentink.benchmark.store import Results
from latentink.benchmark.tables import (
    DETECTION,
    MAIN,
    MORE,
    detection_table,
    done,
    main_table,
    more_table,
    refused,
)
from latentink.benchmark.texts import as_html, as_latex, as_markdown, as_text
from latentink.errors import OptionError
from latentink.picture import write_atomically

if TYPE_CHECKING:
    import pandas as pd

REPORT = "report.html"
RESULTS_TABLE = "results.csv"
"""A row for each method and photo."""

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .6rem; text-align: right; white-space: nowrap;
         border-bottom: 1px solid #8884 }
th:first-child, td:first-child { text-align: left }
.wide { overflow-x: auto }
img { max-width: 100% }
.note { font-size: 13px; opacity: .8 }
"""

_NOTES = {
    "main": (
        "Means over photos ± half of Student's 95 % interval; Δ is ours less the paper's. The "
        "RSBPP rate (Eq. 7 and 8) promises more than any error correction can deliver. The paper's "
        "figures are of other photos than ours. FD-VGG is no FID and has its own scale; both are "
        "biased by the number of pictures."
    ),
    "more": (
        "The Shannon rate is D·(1 − H(p)) per bit of the file; the delivered rate is the longest "
        "message that really came back through sealing, preamble and error correction, per bit of "
        "the file; soft decoding may pass the Shannon rate, which counts hard decisions alone. "
        "Excess is what a latent's symbol costs beyond its expectation, .lik files only. The "
        "paper's Shannon rate is computed from its accuracy and bpp."
    ),
    "detection": (
        "Share of the stegos that StegExpose calls stegos at 0.2, with Wilson's 95 % interval. "
        "StegExpose is often wrong about plain files too: see latentink detect --evaluate."
    ),
}


def write_report(
    results: pd.DataFrame,
    paper: PaperTables,
    pictures: Path | None,
    environment: Mapping[str, str],
    out: Path,
    distances: pd.DataFrame | None = None,
) -> Path:
    """Write a report of a benchmark into a folder.

    Makes ``report.html``, self-contained; ``results.csv``, a row for each embedding;
    ``tables/DATASET_TABLE.csv``, ``.md`` and ``.tex`` for the tables main, more and detection; and
    the figures as ``figures/DATASET_*.jpg`` and ``.png``.

    Args:
        results: a row for each embedding, with the columns of Measurement; where there is a column
            status, only rows with "done" are measurements and those with "refused" have a reason.
        paper: to stand beside (:func:`~latentink.benchmark.paper.paper_tables`).
        pictures: holds ``DATASET/METHOD/PHOTO.png``; None or an empty folder: no such figures.
        environment: what to say about where and how it was measured.
        out: made where it is missing.
        distances: Fréchet distances (:func:`~latentink.benchmark.frechet.picture_distances`).

    Returns:
        The path of the HTML file.

    Raises:
        OptionError: nothing was measured, or pandas or matplotlib is missing.
        PictureError: a picture cannot be read.
        OutputError: the folder cannot be written.
    """
    datasets = list(done(results)["dataset"].unique())
    if not datasets:
        raise OptionError(
            "There is nothing to report yet: no method was measured on any photo; "
            "run the benchmark first."
        )
    for folder in (out / "tables", out / "figures"):
        make_folder(folder)
    write_atomically(out / RESULTS_TABLE, results.to_csv(index=False, float_format="%.6g").encode())
    parts = [_environment(environment)]
    for dataset in datasets:
        parts += _dataset(results, dataset, paper, pictures, out, distances)
    refusals = refused(results)
    if len(refusals):
        parts.append(f"<h2>Refused</h2>\n<div class='wide'>{as_html(refusals)}</div>")
    page = _page("latentink: benchmark", "\n".join(parts))
    write_atomically(out / REPORT, page.encode())
    return out / REPORT


def report_folder(
    folder: Path, out: Path, on_method: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """Write the report of a folder of ``bench run``; see :func:`write_report`.

    Args:
        folder: of the results (layout.py).
        out: folder to write to.
        on_method: for showing progress: called with the number of methods whose pictures were
            compared, and with the number of all.

    Raises:
        OptionError: there are no results, or pandas or matplotlib is missing.
        OutputError: a file cannot be written.
    """
    with Results(folder / RESULTS, create=False) as results:
        frame = results.frame()
        environment = {key: ", ".join(values) for key, values in results.environment().items()}
    beside = {name: environment.get(f"paper of {name}", "") for name in frame["dataset"].unique()}
    pictures = folder / PICTURES
    lpips = load_lpips()
    network = None if lpips is None else lpips.network
    distances = picture_distances(pictures, network, load_inception(), on_method)
    return write_report(frame, paper_tables(beside), pictures, environment, out, distances)


def _dataset(
    results: pd.DataFrame,
    dataset: str,
    paper: PaperTables,
    pictures: Path | None,
    out: Path,
    distances: pd.DataFrame | None,
) -> list[str]:
    """Write a dataset's tables and figures and return them as HTML."""
    theirs = paper.beside.get(dataset)
    beside = f", beside the paper's {theirs}" if theirs else ""
    parts = [f"<h2>{escape(dataset + beside)}</h2>"]
    main = main_table(results, dataset, paper, distances)
    tables = {
        "main": (main, MAIN, "Quality, rate and accuracy"),
        "more": (more_table(results, dataset, paper), MORE, "What the paper does not report"),
        "detection": (detection_table(results, dataset, paper), DETECTION, "StegExpose"),
    }
    for name, (table, quantities, title) in tables.items():
        text = as_text(table, quantities)
        _write_table(out / "tables" / f"{_file_name(dataset)}_{name}", table, text)
        note = _NOTES[name]
        if name == "main" and distances is not None:
            note += _pictures_counted(distances, dataset)
        parts.append(
            f"<h3>{escape(title)}</h3>\n<div class='wide'>{as_html(text)}</div>\n"
            f"<p class='note'>{escape(note)}</p>"
        )
    return parts + _figures(results, dataset, pictures, main, out)


def _write_table(path: Path, table: pd.DataFrame, text: pd.DataFrame) -> None:
    """Write the numbers as CSV, and the texts as Markdown and LaTeX."""
    written = {
        ".csv": table.to_csv(index=False, float_format="%.6g"),
        ".md": as_markdown(text),
        ".tex": as_latex(text),
    }
    for suffix, content in written.items():
        write_atomically(path.with_name(path.name + suffix), content.encode())


def _figures(
    results: pd.DataFrame, dataset: str, pictures: Path | None, main: pd.DataFrame, out: Path
) -> list[str]:
    """Write a dataset's figures and return them as HTML."""
    parts = []
    delivery = draw_delivery(results, dataset)
    if delivery is not None:
        caption = (
            "Delivered payload against PSNR and against the file's size, means over photos: filled "
            "marks came back, hollow ones are Shannon's bound for hard decisions; grey: the whole "
            "file is message."
        )
        parts.append(_figure(delivery, "png", caption))
        write_atomically(out / "figures" / f"{_file_name(dataset)}_delivery.png", delivery)
    if pictures is not None:
        grid = draw_pictures(pictures, dataset, list(main["name"]), list(main["method"]))
        if grid is not None:
            caption = "Photos and what the files show; below each the central quarter, enlarged."
            parts.append(_figure(grid, "jpeg", caption))
            write_atomically(out / "figures" / f"{_file_name(dataset)}_pictures.jpg", grid)
    return parts


def _figure(data: bytes, kind: str, caption: str) -> str:
    inline = base64.b64encode(data).decode()
    return (
        f"<figure><img src='data:image/{kind};base64,{inline}' alt='{escape(caption)}'>\n"
        f"<figcaption class='note'>{escape(caption)}</figcaption></figure>"
    )


def _environment(environment: Mapping[str, str]) -> str:
    rows = "\n".join(
        f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>"
        for key, value in environment.items()
    )
    return f"<table>\n{rows}\n</table>" if rows else ""


def _pictures_counted(distances: pd.DataFrame, dataset: str) -> str:
    counts = distances[distances["dataset"] == dataset]["pictures"]
    if counts.empty:
        return ""
    low, high = int(counts.min()), int(counts.max())
    return f" They are of {low if low == high else f'{low} to {high}'} pictures a method."


def _file_name(dataset: str) -> str:
    """Return a dataset's name without what file systems or links dislike."""
    return re.sub(r"[^\w.+-]", "_", dataset)


def _page(title: str, body: str) -> str:
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width'>\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
