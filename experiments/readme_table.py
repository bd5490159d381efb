"""Writes the benchmark's table into the README, between its two markers.

    latentink bench report results --out docs/results
    python experiments/readme_table.py docs/results README.md
    python experiments/readme_table.py docs/results README.md --check

The last one writes nothing; its exit code is 1 if the table is not the report's.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from pathlib import Path

BEGIN, END = "<!-- benchmark: begin -->\n", "<!-- benchmark: end -->\n"
DATASET = "kodak"
ROWS = (
    "fnns-png",
    "fnns-jpg90",
    "fnns-jpg90-train",
    "liso-png",
    "liso-jpg90",
    "liso-jpeg",
    *(f"hyperbase-{quality}" for quality in range(3, 9)),
    *(f"elicbase-{quality}" for quality in range(3, 7)),
    "steganogan-dense",
    "lsb-matching",
    "hide-exact",
    "hide-balanced",
    "hide-fast",
    "hide-latents",
    "hide-latents-short",
    "robust-messenger",
)
HEADINGS = ("method", "raw bits right", "PSNR", "bpp", "delivered rate", "s", "the paper")


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    """Return the rows of one of the report's tables by the method's name."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def number(text: str) -> float:
    """Return a cell's number; NaN where it is empty."""
    return float(text) if text else math.nan


def markdown(report: Path) -> str:
    """Return the table in Markdown."""
    main, more = (rows_of(report / "tables" / f"{DATASET}_{name}.csv") for name in ("main", "more"))
    lines = [HEADINGS, (":---", *["---:"] * (len(HEADINGS) - 2), ":---")]
    for name in ROWS:
        if name not in main:
            continue
        own, other = main[name], more[name]
        paper = ""
        if not math.isnan(number(own["paper_bpp"])):
            paper = (
                f"{number(own['paper_accuracy']):.1%}, {number(own['paper_psnr_db']):.1f} dB, "
                f"{number(own['paper_bpp']):.2f} bpp"
            )
        lines.append(
            (
                f"`{name}`",
                f"{number(own['accuracy']):.1%}",
                f"{number(own['psnr_db']):.1f} dB",
                f"{number(own['bpp']):.2f}",
                f"{number(other['delivered_rate']):.4f}",
                f"{number(other['seconds']):.1f}",
                paper,
            )
        )
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("readme", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    text = arguments.readme.read_text(encoding="utf-8")
    before, mark, rest = text.partition(BEGIN)
    _, closing, after = rest.partition(END)
    if not mark or not closing:
        sys.exit(f"{arguments.readme} lacks the lines {BEGIN.strip()} and {END.strip()}.")
    renewed = f"{before}{BEGIN}{markdown(arguments.report)}{END}{after}"
    if not arguments.check:
        arguments.readme.write_text(renewed, encoding="utf-8")
    elif renewed != text:
        sys.exit(f"The table of {arguments.readme} is not that of {arguments.report}.")


if __name__ == "__main__":
    main()
