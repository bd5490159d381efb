"""``latentink detect`` as a person meets it."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from latentink.cli.detect import Finding, Source, as_csv, detect_command, find_sources, number
from latentink.picture import encode_png
from latentink.results import StegoResult
from latentink.steganalysis.stegexpose import Analysis
from photos import astronaut
from profiles import red_is_green

app = typer.Typer(pretty_exceptions_enable=False)
app.command("detect")(detect_command)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refused(*arguments: str | Path, says: str) -> None:
    """Assert exit code 2, the sentence last on standard error, and no traceback."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert says in result.stderr.splitlines()[-1]
    assert result.stdout == ""


def saved(picture: np.ndarray, file_format: str, **options: int | bool) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format=file_format, **options)
    return buffer.getvalue()


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clean photo, and below it in a folder one with random lowest bits."""
    photo = astronaut(height=64, width=64)
    bits = np.random.default_rng(0).integers(0, 2, photo.shape, dtype=np.uint8)
    pictures = tmp_path / "pictures"
    (pictures / "below").mkdir(parents=True)
    (pictures / "clean.png").write_bytes(encode_png(photo))
    (pictures / "below" / "stego.png").write_bytes(encode_png(photo & 254 | bits))
    return pictures


def test_verdicts_and_summary(folder):
    result = run(folder)
    assert result.exit_code == 0, result.stderr
    headings, first, second, summary = result.stdout.splitlines()
    assert headings.split() == ["verdict", "mean", "estimated", "message", "file"]
    # Each heading stands over its column.
    assert second[headings.index("mean") :][:5].count(".") == 1
    assert first[headings.index("file") :] == str(folder / "clean.png")
    assert second[: headings.index("file")].rstrip().endswith("bytes")
    assert first.startswith("clean  ")
    assert first.endswith(str(folder / "clean.png"))
    assert second.startswith("stego  ")
    assert second.endswith(str(folder / "below" / "stego.png"))
    assert summary == "2 files: 1 stego, 1 clean; 0 skipped"
    assert run(folder / "clean.png").stdout.splitlines()[-1].startswith("1 file: 0 stego")


def test_table(folder, tmp_path):
    out = tmp_path / "out.csv"
    assert run(folder, "--csv", out).exit_code == 0
    header = out.read_text().splitlines()[0]
    assert header == (
        "File name,Above stego threshold?,Secret message size in bytes (ignore for clean files),"
        "Primary Sets,Chi Square,Sample Pairs,RS analysis,Fusion (mean)"
    )
    clean, stego = table(out)
    assert (clean["File name"], clean["Above stego threshold?"]) == ("clean.png", "false")
    assert (stego["File name"], stego["Above stego threshold?"]) == ("below/stego.png", "true")
    assert stego["Chi Square"] == "null"  # Too small a picture for it.
    assert stego["Primary Sets"] == "NaN"
    assert float(stego["RS analysis"]) > 0.8
    size = (folder / "below" / "stego.png").stat().st_size
    expected = round(float(stego["Fusion (mean)"]) * size / 3)
    assert int(stego["Secret message size in bytes (ignore for clean files)"]) == expected
    assert run(folder, "--mode", "fast", "--csv", out).exit_code == 0
    assert table(out)[0]["RS analysis"] == "null"
    assert "Fusion (mean & fast)" in table(out)[0]


def test_the_originals_table(tmp_path):
    """Cell by cell, by their text where they hold no number."""
    reference = Path(__file__).parents[3] / "shared" / "stegexpose"
    if not reference.is_dir():
        pytest.skip("the original's results are not here")
    for mode, name in (("default", "expected.csv"), ("fast", "expected_fast.csv")):
        out = tmp_path / name
        assert run(reference / "images", "--mode", mode, "--csv", out, "--jobs", 1).exit_code == 0
        ours, theirs = table(out), table(reference / name)
        assert list(ours[0]) == list(theirs[0])
        by_name = {row["File name"]: row for row in theirs}
        assert len(ours) == len(by_name) == 14
        for row in ours:
            for cell, expected in zip(
                row.values(), by_name[row["File name"]].values(), strict=True
            ):
                if cell != expected:
                    assert float(cell) == pytest.approx(float(expected), abs=1e-6)


def test_threshold_moves_the_verdict(folder):
    assert "0 stego, 2 clean" in run(folder, "--threshold", "1").stdout
    assert "2 stego, 0 clean" in run(folder, "--threshold", "0").stdout


def test_formats(folder, tmp_path, stego: StegoResult):
    photo = astronaut(height=64, width=64)
    formats = tmp_path / "formats"
    formats.mkdir()
    (formats / "a.bmp").write_bytes(saved(photo, "BMP"))
    (formats / "b.png").write_bytes(saved(photo, "PNG"))
    (formats / "c.webp").write_bytes(saved(photo, "WEBP", lossless=True))
    (formats / "d.jpg").write_bytes(saved(photo, "JPEG", quality=90))
    (formats / "e.png").write_bytes(saved(photo[..., 0], "PNG"))
    (formats / "f.lik").write_bytes(stego.data)
    out = tmp_path / "out.csv"
    result = run(formats, "--csv", out)
    assert result.exit_code == 0, result.stderr
    rows = table(out)
    assert [row["File name"] for row in rows] == [
        "a.bmp", "b.png", "c.webp", "d.jpg", "e.png", "f.lik"
    ]  # fmt: skip
    without_loss = [[*row.values()][3:] for row in rows[:3]]
    assert without_loss[0] == without_loss[1] == without_loss[2]
    assert [*rows[3].values()][3:] != without_loss[0]
    # Greyscale is three equal channels, of which red here was the one.
    assert rows[4]["Primary Sets"] == rows[1]["Primary Sets"]

    # The file and a PNG of its picture are the same to the detectors.
    from latentink.steganography import decompress

    (tmp_path / "f.png").write_bytes(encode_png(decompress(stego.data)))
    other = tmp_path / "other.csv"
    assert run(tmp_path / "f.png", "--csv", other).exit_code == 0
    assert [*table(other)[0].values()][3:] == [*rows[5].values()][3:]


def test_an_alpha_channel_and_a_profile_change_no_verdict(folder, tmp_path):
    stego = Image.open(folder / "below" / "stego.png")
    clear = stego.copy()
    clear.putalpha(Image.linear_gradient("L").resize(stego.size))
    formats = tmp_path / "formats"
    formats.mkdir()
    stego.save(formats / "a.png")
    stego.convert("RGBA").save(formats / "b.png")
    clear.save(formats / "c.png")
    stego.save(formats / "d.png", icc_profile=red_is_green())
    out = tmp_path / "out.csv"
    assert run(formats, "--csv", out).exit_code == 0
    plain, *others = [[*row.values()][3:] for row in table(out)]
    assert others == [plain] * 3


def test_files_that_are_no_pictures_are_skipped_with_a_reason(folder, tmp_path):
    whole = (folder / "clean.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[:2000])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "foreign.lik").write_bytes(b"not a .lik file")
    (folder / "gone.png").symlink_to(folder / "nowhere")
    (folder / "notes.txt").write_text("no picture")
    (folder / "small.png").write_bytes(encode_png(np.zeros((9, 9, 3), np.uint8)))
    os.mkfifo(folder / "pipe.png")
    out = tmp_path / "out.csv"
    result = run(folder, "--csv", out)
    assert result.exit_code == 1, result.output
    reasons = result.stderr.splitlines()
    expected = {
        "cut.png": "damaged",
        "empty.jpg": "not a picture",
        "foreign.lik": "not a .lik file",
        "gone.png": "no file",
        "notes.txt": "not a picture",
        "pipe.png": "regular file",
        "small.png": "at least 16×16",
    }
    assert len(reasons) == len(expected)
    for line, (name, says) in zip(reasons, sorted(expected.items()), strict=True):
        assert line.startswith(f"skipped  {folder / name}: ")
        assert says in line
    assert "2 files: 1 stego, 1 clean; 7 skipped" in result.stdout
    assert len(table(out)) == 2


def test_whatever_a_decoder_raises_is_a_reason(folder, monkeypatch):
    def break_down(*arguments: object, **options: object) -> None:
        raise IndexError("inside a decoder")

    monkeypatch.setattr(Image, "open", break_down)
    result = run(folder / "clean.png")
    assert result.exit_code == 2
    assert "damaged or unreadable as a picture (inside a decoder)" in result.stderr


def test_bad_input(folder, tmp_path):
    out = tmp_path / "out.csv"
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no picture")
    refused(folder, tmp_path / "absent", "--csv", out, says="There is no file or folder")
    refused(tmp_path / "empty", "--csv", out, says="nothing to examine")
    refused(tmp_path / "text", "--csv", out, says="nothing to examine")
    refused(folder, "--mode", "slow", says="choose from default, fast")
    refused(folder, "--threshold", "1.5", says="choose 0 to 1")
    refused(folder, "--threshold", "nan", says="choose 0 to 1")
    refused(folder, "--jobs", "0", says="choose 1 or more")
    refused(folder, "--csv", folder / "clean.png", says="input itself")
    refused(folder, "--csv", tmp_path / "no" / "out.csv", says="does not exist")
    refused(folder, "--csv", tmp_path, says="is a folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "pictures", "text"]


def test_a_table_among_the_pictures_is_written_anew(folder):
    out = folder / "out.csv"
    for _ in range(2):
        result = run(folder, "--csv", out)
        assert result.exit_code == 0, result.stderr
        assert len(table(out)) == 2


def test_processes_find_the_same(folder, tmp_path):
    for copy in range(9):
        (folder / f"{copy}.png").write_bytes((folder / "clean.png").read_bytes())
    (folder / "notes.txt").write_text("no picture")
    outputs = []
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}.csv"
        result = run(folder, "--jobs", jobs, "--csv", out)
        assert result.exit_code == 1, result.stderr
        outputs.append((result.stdout, result.stderr, out.read_bytes()))
    assert outputs[0] == outputs[1]


def test_each_file_once_and_told_apart(folder):
    again = folder.parent / "again"
    again.mkdir()
    (again / "clean.png").write_bytes((folder / "clean.png").read_bytes())
    sources, unlisted = find_sources([folder, folder / "clean.png", again], leave_out=None)
    assert unlisted == []
    assert [source.path for source in sources] == [
        folder / "clean.png", folder / "below" / "stego.png", again / "clean.png"
    ]  # fmt: skip
    names = [source.name for source in sources]
    assert names[1] == "below/stego.png"
    assert names[::2] == [str(folder / "clean.png"), str(again / "clean.png")]


def test_names_neither_steer_a_terminal_nor_break_the_table(folder, tmp_path):
    odd = "a\x1b[31m[red],\n.png"
    (tmp_path / odd).write_bytes((folder / "clean.png").read_bytes())
    out = tmp_path / "out.csv"
    result = run(tmp_path / odd, "--csv", out)
    assert result.stdout.splitlines()[1].endswith("a\\x1b[31m[red],\\n.png")
    assert [row["File name"] for row in table(out)] == [odd]
    unwritten = Finding(Source(tmp_path, os.fsdecode(b"\xff.png")), 3, Analysis(0.5))
    row = as_csv([unwritten], "default").splitlines()[1]
    assert row == b"\xff.png,true,1,0.5,null,null,null,0.5"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (float("nan"), "NaN"),
        (0.0, "0.0"),
        (1.0, "1.0"),
        (0.0020576187477316554, "0.0020576187477316554"),
        (0.001, "0.001"),
        (np.float64(0.25), "0.25"),
        (np.float64(0.00025), "2.5E-4"),
        # Below a thousandth as Double.toString of the Java documentation has it.
        (0.00012345, "1.2345E-4"),
        (0.0005, "5.0E-4"),
        (2e-05, "2.0E-5"),
        (1.25e-17, "1.25E-17"),
    ],
)
def test_numbers_are_written_as_java_does(value, text):
    assert number(value) == text


def test_help_needs_no_networks_and_names_the_exit_codes():
    code = (
        "import sys, typer\n"
        "from latentink.cli.detect import detect_command\n"
        "app = typer.Typer(); app.command()(detect_command)\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "loaded = {'torch', 'scipy', 'multiprocessing', 'PIL'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    for number_of_exit in (0, 1, 2):
        assert f"Exit code {number_of_exit}:" in shown.stdout
