"""Times whole ``hide`` and ``reveal`` commands over a folder of photos, from outside.

    python experiments/hide_photos.py ../shared/photos/kodak --crop 512 --channel pixels

Crops the centre of every photo, hides random bytes in it with ``latentink hide``, and runs
``latentink reveal`` twice: on the .lik file and on the decoded PNG, which needs `--channel pixels`.
Options that it does not know are passed to ``hide``. Writes a CSV with a row for
each photo and prints the table of means that the README shows.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from inputs import PASSWORD, list_files, message_for, read_cover
from latentink.picture import encode_png

COLUMNS = (
    "photo",
    "exact_from_file",
    "exact_from_png",
    "plain_psnr_db",
    "psnr_db",
    "plain_file_bytes",
    "file_bytes",
    "bpp",
    "raw_accuracy",
    "density",
    "delivered_rate",
    "steps",
    "hide_seconds",
    "reveal_seconds",
    "reveal_png_seconds",
)


def latentink(*arguments: str | Path) -> float:
    """Run a command and return its wall seconds; a failure prints its sentence and raises."""
    started = time.monotonic()
    command = [sys.executable, "-m", "latentink", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        print(result.stderr, file=sys.stderr)
        result.check_returncode()
    return time.monotonic() - started


def measure(photo: Path, folder: Path, crop: int | None, length: int, more: list[str]) -> dict:
    """Return one row of the CSV."""
    message = message_for(photo.name, length)
    cover, stego, preview, report = (
        folder / name for name in ("cover.png", "stego.lik", "preview.png", "report.json")
    )
    cover.write_bytes(encode_png(read_cover(photo, crop)))
    (folder / "message").write_bytes(message)
    password = ("-p", PASSWORD)
    row: dict = {"photo": photo.name}
    row["hide_seconds"] = latentink(
        "hide", cover, "-o", stego, "-f", folder / "message", *password,
        "--preview", preview, "--report", report, *more,
    )  # fmt: skip
    returned = folder / "returned"
    for source, exact, seconds in (
        (stego, "exact_from_file", "reveal_seconds"),
        (preview, "exact_from_png", "reveal_png_seconds"),
    ):
        row[seconds] = latentink("reveal", source, *password, "-o", returned)
        row[exact] = returned.read_bytes() == message
        returned.unlink()
    figures = json.loads(report.read_text())
    return {key: row[key] if key in row else figures[key] for key in COLUMNS}


def summary(rows: list[dict]) -> str:
    """Return the Markdown table of means and medians."""

    def mean(key: str) -> float:
        return statistics.mean(row[key] for row in rows)

    growth = [row["file_bytes"] / row["plain_file_bytes"] - 1 for row in rows]
    loss = [row["plain_psnr_db"] - row["psnr_db"] for row in rows]
    exact_file = sum(row["exact_from_file"] for row in rows)
    exact_png = sum(row["exact_from_png"] for row in rows)
    lines = [
        ("photos", f"{len(rows)}"),
        ("messages exact, from the file / from the PNG", f"{exact_file} / {exact_png}"),
        ("plain file", f"{mean('plain_file_bytes'):,.0f} bytes, {mean('plain_psnr_db'):.2f} dB"),
        ("with message", f"{mean('file_bytes'):,.0f} bytes, {mean('psnr_db'):.2f} dB"),
        (
            "mean PSNR loss (worst)",
            f"{statistics.mean(loss):.2f} dB ({max(loss):.2f} dB)",
        ),
        (
            "mean file growth (worst); growth of the total",
            f"{statistics.mean(growth):+.1%} ({max(growth):+.1%}); "
            f"{mean('file_bytes') / mean('plain_file_bytes') - 1:+.1%}",
        ),
        ("mean rate", f"{mean('bpp'):.3f} bpp"),
        ("mean raw accuracy", f"{mean('raw_accuracy'):.1%}"),
        ("mean delivered rate", f"{mean('delivered_rate'):.4f} message bits per file bit"),
        ("median `hide`, whole command", f"{median(rows, 'hide_seconds'):.1f} s"),
        ("median `reveal`, file / PNG", f"{median(rows, 'reveal_seconds'):.1f} s / "
         f"{median(rows, 'reveal_png_seconds'):.1f} s"),
    ]  # fmt: skip
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in lines)])


def median(rows: list[dict], key: str) -> float:
    """Return the median of one column."""
    return statistics.median(row[key] for row in rows)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photos, or one photo")
    parser.add_argument("--crop", type=int, help="side of the centre crop; whole photos by default")
    parser.add_argument("--bytes", type=int, default=1000, dest="length")
    parser.add_argument("--first", type=int, help="number of photos; all by default")
    parser.add_argument("--csv", type=Path, default=Path("hide_photos.csv"))
    arguments, more = parser.parse_known_args()
    photos = list_files(arguments.photos) if arguments.photos.is_dir() else [arguments.photos]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for photo in photos[: arguments.first]:
            rows.append(measure(photo, Path(folder), arguments.crop, arguments.length, more))
            print({key: value for key, value in rows[-1].items() if key != "steps"}, flush=True)
    with arguments.csv.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(summary(rows))


if __name__ == "__main__":
    main()
