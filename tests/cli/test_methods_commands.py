from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from latentink.cli.main import app
from photos import astronaut

RUN = CliRunner()


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    path = tmp_path / "cover.png"
    Image.fromarray(astronaut()[:64, :64]).save(path)
    return path


def test_random_bits_and_their_report(cover: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "stego.png", tmp_path / "report.json"
    done = RUN.invoke(
        app,
        ["embed", str(cover), "-o", str(out), "--method", "lsb-matching", "--seed", "7",
         "--report", str(report)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    figures = json.loads(report.read_text())
    assert figures["raw_accuracy"] == 1
    assert figures["file_bytes"] == out.stat().st_size
    assert figures["bpp"] == pytest.approx(8 * out.stat().st_size / 64**2)
    assert figures["rsbpp_rate"] == pytest.approx(1 / figures["bpp"])
    wanted = {"raw_accuracy", "psnr_db", "bpp", "file_bytes", "rsbpp", "rsbpp_rate", "seconds"}
    assert wanted <= figures.keys()
    same = RUN.invoke(app, ["extract", str(out), "--method", "lsb-matching", "--seed", "7"])
    assert same.stdout.startswith("100.0000%")
    other = RUN.invoke(app, ["extract", str(out), "--method", "lsb-matching", "--seed", "8"])
    assert 45 < float(other.stdout.split("%")[0]) < 55


def test_soft_bits_go_to_a_file(cover: Path, tmp_path: Path) -> None:
    out, soft = tmp_path / "stego.png", tmp_path / "soft.npy"
    RUN.invoke(app, ["embed", str(cover), "-o", str(out), "--method", "lsb-replacement"])
    done = RUN.invoke(
        app, ["extract", str(out), "--method", "lsb-replacement", "--bits", str(soft)]
    )
    assert done.exit_code == 0, done.output
    assert np.load(soft).shape == (1, 64, 64)


@pytest.mark.parametrize(("method", "suffix"), [("fnns-png", ".png"), ("lsb-matching", ".png")])
def test_a_message_comes_back_by_its_password_alone(
    cover: Path, tmp_path: Path, method: str, suffix: str
) -> None:
    out = tmp_path / f"stego{suffix}"
    done = RUN.invoke(
        app, ["embed", str(cover), "-o", str(out), "--method", method, "-m", "noon", "-p", "tide"]
    )
    assert done.exit_code == 0, done.output
    right = RUN.invoke(app, ["extract", str(out), "--method", method, "-p", "tide"])
    assert right.stdout == "noon"
    wrong = RUN.invoke(app, ["extract", str(out), "--method", method, "-p", "ebb"])
    assert wrong.exit_code == 2
    assert wrong.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--method", "no-such"],
        ["--method", "fnns-jpg90"],  # writes .jpg
        ["--method", "lsb-matching", "--depth", "7"],
        ["--method", "s-uniward", "-m", "noon"],
        ["--method", "fnns-png", "--decoder", "missing.steg"],
        ["--method", "lsb-matching", "--seed", "-1"],
        ["--method", "lsb-matching", "-f", "missing.txt"],
    ],
)
def test_bad_input_is_a_sentence_and_writes_nothing(
    cover: Path, tmp_path: Path, arguments: list[str]
) -> None:
    out = tmp_path / "stego.png"
    done = RUN.invoke(app, ["embed", str(cover), "-o", str(out), *arguments])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert not out.exists()
    assert list(tmp_path.glob("*.part")) == []


def test_a_message_that_jpeg_would_lose_is_not_sent(cover: Path, tmp_path: Path) -> None:
    out = tmp_path / "stego.jpg"
    done = RUN.invoke(
        app, ["embed", str(cover), "-o", str(out), "--method", "fnns-jpg50", "-m", "noon"]
    )
    assert done.exit_code == 2
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("stego.lik", ["--method", "hide-latents", "-m", "noon", "-p", "tide"], "noon"),
        ("my stego.png", ["--method", "lsb-matching", "--depth", "2", "--seed", "7"], "100.0000%"),
    ],
)
def test_what_it_says_reads_it(
    cover: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: list[str],
    says: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("getpass.getpass", lambda prompt: "tide")
    out = tmp_path / name
    done = RUN.invoke(app, ["embed", str(cover), "-o", str(out), *options])
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("read with: ")]
    program, *command = shlex.split(line.removeprefix("read with: "))
    assert program == "latentink"
    assert RUN.invoke(app, command).stdout.startswith(says)


def test_what_is_only_simulated_is_not_read(cover: Path, tmp_path: Path) -> None:
    out = tmp_path / "stego.png"
    done = RUN.invoke(app, ["embed", str(cover), "-o", str(out), "--method", "s-uniward"])
    assert done.exit_code == 0, done.output
    assert "read with" not in done.stdout


def test_the_list_names_every_method() -> None:
    done = RUN.invoke(app, ["methods"])
    assert done.exit_code == 0
    for name in ("fnns-jpg90-train", "liso-jpeg", "hyperbase-5", "elicbase-6", "steghide"):
        assert name in done.stdout
