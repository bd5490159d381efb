"""A benchmark's tables as texts: numbers with their intervals, in HTML, Markdown and LaTeX."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from latentink.benchmark.tables import Quantity

if TYPE_CHECKING:
    import pandas as pd


def as_text(table: pd.DataFrame, quantities: Sequence[Quantity]) -> pd.DataFrame:
    """Return a table as it is printed: "27.31 ± 0.42", the paper's figure, the difference.

    Columns that hold no number are left out.

    Args:
        table: of :func:`main_table` and its sisters.
        quantities: those that it was made of.
    """
    text = table[["method", "photos"]].astype(str)
    for one in quantities:
        if table[one.key].notna().any():
            text[one.heading] = [_with_interval(row, one) for row in table.to_dict("records")]
        paper = f"paper_{one.key}"
        if paper in table and table[paper].notna().any():
            name = one.heading.split(",")[0]
            text[f"paper's {name}"] = [_number(value, one) for value in table[paper]]
            differences = table[f"{one.key}_difference"]
            if differences.notna().any():
                text[f"Δ {name}"] = [_signed(value, one) for value in differences]
    return text


def as_markdown(text: pd.DataFrame) -> str:
    """Return a table of texts in GitHub's Markdown, words to the left and numbers to the right."""
    lines = [
        [_markdown_cell(str(name)) for name in text.columns],
        [":---", *["---:"] * (len(text.columns) - 1)],
        *([_markdown_cell(str(cell)) for cell in row] for row in text.itertuples(index=False)),
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def as_latex(text: pd.DataFrame) -> str:
    """Return a table of texts in LaTeX (package booktabs)."""
    code: str = text.to_latex(
        index=False, escape=True, column_format="l" + "r" * (text.shape[1] - 1)
    )
    for sign, command in (("±", r"$\pm$"), ("Δ", r"$\Delta$"), ("−", "$-$"), ("σ", r"$\sigma$")):
        code = code.replace(sign, command)
    return code


def as_html(text: pd.DataFrame) -> str:
    """Return a table of texts in HTML, everything in it escaped."""
    code: str = text.to_html(index=False, escape=True, border=0)
    return code


def _with_interval(row: Mapping[str, float], one: Quantity) -> str:
    """Return the mean with half its interval, or with both ends where they lie unevenly."""
    mean = _number(row[one.key], one)
    if (low := row.get(f"{one.key}_low")) is not None:
        return f"{mean} ({_number(low, one)} to {_number(row[f'{one.key}_high'], one)})"
    half = row.get(f"{one.key}_half", math.nan)
    return mean if half is None or math.isnan(half) else f"{mean} ± {_number(half, one)}"


def _number(value: float | None, one: Quantity) -> str:
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞"
    return one.format(value).replace("-", "−")


def _signed(value: float, one: Quantity) -> str:
    text = _number(value, one)
    return f"+{text}" if text and value >= 0 else text


def _markdown_cell(text: str) -> str:
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), ("|", r"\|"), ("_", r"\_"), ("*", r"\*")):
        text = text.replace(sign, instead)
    return text
