"""Results on the terminal: a short table, or JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentink.methods.embedding import EmbedReport
    from latentink.results import CompressReport, HideReport, PictureReport


def as_json(values: dict[str, Any]) -> str:
    """Return indented JSON; an infinite PSNR (equal pictures) becomes null."""
    finite = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
    return json.dumps(finite, indent=2)


def print_json(report: Any) -> None:
    """Print a report dataclass as JSON on standard output."""
    print(as_json(asdict(report)))


def print_rows(rows: list[tuple[str, str]]) -> None:
    """Print names and values as a table without lines."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in rows:
        table.add_row(f"[dim]{name}[/dim]", value)
    Console().print(table)


def compression_rows(report: CompressReport) -> list[tuple[str, str]]:
    """Return the rows that every compressed photo has."""
    psnr = f"{report.psnr_db:.2f} dB PSNR"
    if report.psnr_share < 1:
        psnr += f" in {report.psnr_share:.0%} of it"
    return [
        ("file", f"{report.file_bytes:,} bytes, {report.bpp:.3f} bpp"),
        ("picture", f"{report.width}×{report.height}, {psnr}"),
    ]


def hiding_rows(report: HideReport) -> list[tuple[str, str]]:
    """Return the rows of a hidden message."""
    from latentink.results import SECURITY

    growth = 100 * (report.file_bytes / report.plain_file_bytes - 1)
    picture = ""
    if report.plain_psnr_db is not None:
        change = report.psnr_db - report.plain_psnr_db
        picture = f", {report.plain_psnr_db:.2f} dB ({change:+.2f} dB)"
    share = f"{100 * report.raw_accuracy:.2f} % of {report.raw_bits:,} raw bits"
    accuracy = [("raw accuracy", f"{share} (density {report.density:.4f})")]
    if report.decoder == "symbols":  # They are exact, or the file is refused.
        accuracy = []
    return [
        *compression_rows(report),
        ("without message", f"{report.plain_file_bytes:,} bytes ({growth:+.1f} %){picture}"),
        ("payload", f"{report.payload_bytes:,} bytes, {report.payload_bpp:.4f} bpp"),
        ("delivered rate", f"{report.delivered_rate:.4f} message bits per file bit"),
        ("security", f"{report.security}: {SECURITY[report.security]}"),
        *accuracy,
        ("time", f"{report.seconds:.1f} s" + (f", {report.steps} steps" if report.steps else "")),
    ]


def picture_rows(report: PictureReport) -> list[tuple[str, str]]:
    """Return the rows of a message in an ordinary picture."""
    from latentink.results import SECURITY

    picture = f"{report.width}×{report.height}, {report.psnr_db:.2f} dB PSNR"
    if math.isfinite(report.plain_psnr_db):
        picture += f" ({report.plain_psnr_db:.2f} dB without a message)"
    return [
        ("file", f"{report.file_bytes:,} bytes"),
        ("picture", picture),
        ("payload", f"{report.payload_bytes:,} bytes"),
        ("survived", f"{report.survive}: {'; '.join(report.survived)}"),
        ("security", f"{report.security}: {SECURITY[report.security]}"),
        ("time", f"{report.seconds:.1f} s"),
    ]


def embedding_rows(report: EmbedReport) -> list[tuple[str, str]]:
    """Return the rows of a method's stego."""
    rows = [
        ("file", f"{report.file_bytes:,} bytes, {report.bpp:.3f} bpp"),
        ("picture", f"{report.psnr_db:.2f} dB PSNR"),
    ]
    if report.payload_bytes is not None:
        rows.append(("payload", f"{report.payload_bytes:,} bytes, read back"))
    if report.raw_accuracy is not None:
        accuracy = f"{report.raw_accuracy:.2%} at {report.density:.4f} raw bits per pixel"
        rows.append(("raw accuracy", accuracy))
        rows.append(("RSBPP", f"{report.rsbpp:.4f}, {report.rsbpp_rate:.4f} per file bit"))
        rows.append(("Shannon rate", f"{report.shannon_rate:.4f} per file bit"))
    else:
        rows.append(("payload", f"{report.density:.4f} bits per pixel, simulated"))
    return [*rows, ("time", f"{report.seconds:.1f} s")]
