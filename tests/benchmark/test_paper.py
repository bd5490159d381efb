"""The paper's rows: read whole, and found by the registry's names."""

from __future__ import annotations

import pytest

from latentink.benchmark.paper import (
    paper_detections,
    paper_methods,
    paper_rows,
    registry_name,
)
from latentink.methods.registry import METHODS
from latentink.metrics.raw_bits import shannon_bpp


def test_every_row_is_a_method_of_the_registry() -> None:
    rows = {row.method for row in paper_rows()} | {row.method for row in paper_detections()}
    assert rows == set(paper_methods())
    assert rows <= set(METHODS)
    assert len(rows) == 24


@pytest.mark.parametrize(
    ("label", "method"),
    [
        ("FNNS", "fnns"),
        ("FNNS-fp16", "fnns-fp16"),
        ("FNNS-JPG90_TRAIN", "fnns-jpg90-train"),
        ("FNNS-jpg90_TRAIN", "fnns-jpg90-train"),
        ("LISO-JPEG", "liso-jpeg"),
        ("LISO-jpg70", "liso-jpg70"),
        ("LISO", "liso-png"),
        ("Hyperbase_5", "hyperbase-5"),
        ("ELICbase_3", "elicbase-3"),
    ],
)
def test_names_in_any_spelling(label: str, method: str) -> None:
    assert registry_name(label) == method


def test_figures_are_the_papers() -> None:
    rows = {(row.dataset, row.method): row for row in paper_rows()}
    row = rows["DIV2K", "hyperbase-4"]
    assert (row.table, row.psnr_db, row.bpp, row.accuracy) == (2, 23.2, 1.57, 0.8058)
    assert rows["CelebA", "fnns"].fid is None
    assert ("CelebA", "liso-jpeg") not in rows
    (detection,) = (
        row for row in paper_detections() if (row.dataset, row.method) == ("CelebA", "liso-png")
    )
    assert (detection.error_rate, detection.detection) == (0, 0.02)


def test_the_rate_by_shannon_follows_from_the_rows() -> None:
    for row in paper_rows():
        rate = shannon_bpp(row.accuracy, 1.0) / row.bpp
        assert row.shannon_rate == pytest.approx(rate, abs=6e-5), row
