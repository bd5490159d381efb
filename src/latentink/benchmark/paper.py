"""The paper's own figures, by the names that its methods have here.

"Train the Latent, Not the Image: Joint Image Compression and Steganography", tables 1 to 3 (a
dataset each) and table 4 (StegExpose). Figures are printed as the authors give them; the rate by
Shannon's capacity is not in the paper and was computed from its accuracy and bpp.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from latentink.benchmark.extras import import_pandas

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PaperRow:
    """A row of tables 1 to 3.

    Attributes:
        table: 1, 2 or 3.
        dataset: ``"CelebA"``, ``"DIV2K"`` or ``"MSCOCO"``.
        method: name in methods/registry.py.
        label: name in the paper, in this table's spelling.
        psnr_db: mean PSNR, dB.
        bpp: bits of the file per pixel.
        accuracy: share of the raw bits that read right.
        rsbpp_rate: (1 − 2p) per bit of the file, as printed (Eq. 8).
        fid: Fréchet inception distance; None where the paper has none.
        shannon_rate: (1 − H(p)) per bit of the file, computed.
    """

    table: int
    dataset: str
    method: str
    label: str
    psnr_db: float
    bpp: float
    accuracy: float
    rsbpp_rate: float
    fid: float | None
    shannon_rate: float


@dataclass(frozen=True)
class PaperDetection:
    """A row of table 4.

    Attributes:
        dataset: as in :class:`PaperRow`.
        method: name in methods/registry.py.
        label: name in the paper.
        error_rate: p, share of the raw bits that read wrong.
        psnr_db: mean PSNR, dB.
        detection: share of the stegos that StegExpose calls stegos.
    """

    dataset: str
    method: str
    label: str
    error_rate: float
    psnr_db: float
    detection: float


@dataclass(frozen=True)
class PaperTables:
    """The paper's figures as tables, to stand beside a benchmark's.

    Attributes:
        rows: tables 1 to 3, the attributes of :class:`PaperRow` as columns.
        detections: table 4, those of :class:`PaperDetection`.
        beside: the paper's dataset that stands beside a dataset of the benchmark, by the latter's
            name; a dataset that is not in it stands alone.
    """

    rows: pd.DataFrame
    detections: pd.DataFrame
    beside: Mapping[str, str]


def paper_tables(beside: Mapping[str, str]) -> PaperTables:
    """Return the paper's figures as tables.

    Args:
        beside: the paper's dataset that stands beside a dataset of the benchmark, by the latter's
            name.

    Raises:
        OptionError: pandas is missing.
    """
    pandas = import_pandas()
    rows, detections = (
        pandas.DataFrame([asdict(row) for row in published])
        for published in (paper_rows(), paper_detections())
    )
    return PaperTables(rows, detections, beside)


@cache
def paper_rows() -> tuple[PaperRow, ...]:
    """Return the rows of tables 1 to 3 in their order."""
    return tuple(
        PaperRow(
            table=int(row["table"]),
            dataset=row["dataset"],
            method=registry_name(row["method"]),
            label=row["method"],
            psnr_db=float(row["psnr_db"]),
            bpp=float(row["bpp"]),
            accuracy=float(row["accuracy"]),
            rsbpp_rate=float(row["rsbpp_rate"]),
            fid=float(row["fid"]) if row["fid"] else None,
            shannon_rate=float(row["shannon_rate_computed"]),
        )
        for row in _read("paper_tables.csv")
    )


@cache
def paper_detections() -> tuple[PaperDetection, ...]:
    """Return the rows of table 4 in their order."""
    return tuple(
        PaperDetection(
            dataset=row["dataset"],
            method=registry_name(row["method"]),
            label=row["method"],
            error_rate=float(row["error_rate"]),
            psnr_db=float(row["psnr_db"]),
            detection=float(row["stegexpose_detection"]),
        )
        for row in _read("paper_table4.csv")
    )


def paper_methods() -> tuple[str, ...]:
    """Return the registry names of all of the paper's rows, each once, in the paper's order."""
    names = [row.method for row in paper_rows()] + [row.method for row in paper_detections()]
    return tuple(dict.fromkeys(names))


def registry_name(label: str) -> str:
    """Return the name in methods/registry.py of a row of the paper, in any of its spellings.

    ``FNNS-JPG90_TRAIN`` is ``fnns-jpg90-train``, ``Hyperbase_5`` is ``hyperbase-5``; table 4's
    ``LISO``, which reads without error, is the one saved as PNG.
    """
    name = label.lower().replace("_", "-")
    return "liso-png" if name == "liso" else name


def _read(name: str) -> list[dict[str, str]]:
    text = (files("latentink.benchmark") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
