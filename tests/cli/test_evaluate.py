"""``detect --evaluate`` and ``train detector`` as a person meets them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from latentink.cli.detect import detect_command
from latentink.cli.train import train_app
from latentink.steganalysis.network_detector import load_detector
from photos import astronaut

app = typer.Typer(pretty_exceptions_enable=False)
app.command("detect")(detect_command)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refused(*arguments: str | Path, says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert says in result.stderr.splitlines()[-1]
    assert result.stdout == ""


def photos_in(folder: Path, count: int, left: int) -> Path:
    folder.mkdir()
    for index in range(count):
        crop = astronaut(top=70 * index, left=left, height=96, width=96)
        Image.fromarray(crop).save(folder / f"photo{index}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return photos_in(tmp_path / "photos", 4, 0)


def test_stegexpose_finds_replaced_bits(photos: Path, tmp_path: Path) -> None:
    table, roc = tmp_path / "table.csv", tmp_path / "roc.png"
    arguments = (photos, "--evaluate", "lsb-replacement", "--work", tmp_path / "work", "--jobs", 1)
    result = run(*arguments, "--against", "plain", "--csv", table, "--roc", roc)
    assert result.exit_code == 0, result.output
    assert "lsb-replacement: 4 pairs" in result.stdout
    (row,) = csv.DictReader(io.StringIO(table.read_text()))
    assert row["detector"] == "stegexpose"
    assert float(row["accuracy_low"]) <= float(row["accuracy"]) <= float(row["accuracy_high"])
    assert 0 <= float(row["least_error"]) <= 0.5
    with Image.open(roc) as drawn:
        assert drawn.format == "PNG"


def test_a_detector_learns_from_other_photos(photos: Path, tmp_path: Path) -> None:
    learned = photos_in(tmp_path / "learned", 5, 300)
    arguments = (photos, "--evaluate", "lsb-matching", "--work", tmp_path / "work", "--jobs", 1)
    refused(*arguments, "--detector", "spam", says="--learn-from")
    refused(*arguments, "--detector", "spam", "--learn-from", photos, says="tested on")
    refused(*arguments, "--detector", "spam", "--learn-from", learned, says="5 pairs are too few")


def test_a_detector_that_cannot_look_is_left_out(photos: Path, tmp_path: Path) -> None:
    learned = photos_in(tmp_path / "learned", 5, 300)
    arguments = (photos, "--evaluate", "lsb-matching", "--work", tmp_path / "work", "--jobs", 1)
    both = ("--detector", "latents", "--detector", "stegexpose", "--learn-from", learned)
    result = run(*arguments, *both)
    assert result.exit_code == 0, result.output
    assert "left out  latents, against plain" in result.stderr
    assert "stegexpose" in result.stdout


def test_what_does_not_go_together_is_said(photos: Path, tmp_path: Path) -> None:
    refused(photos, "--detector", "spam", says="belong to --evaluate")
    evaluation = (photos, "--work", tmp_path / "work", "--evaluate")
    refused(*evaluation, "lsb-matching", "--mode", "fast", says="--mode")
    refused(*evaluation, "lsb-matching", "--detector", "nose", says="no detector 'nose'")
    refused(*evaluation, "lsb-matching", "--against", "nothing", says="plain or camera")
    refused(*evaluation, "nothing", says="no method 'nothing'")
    refused(*evaluation, "lsb-matching", "--pairs", 0, says="--pairs")
    assert not (tmp_path / "work").exists()


def test_a_network_is_trained_on_pairs_and_used(photos: Path, tmp_path: Path) -> None:
    recipe, weights = tmp_path / "tiny.toml", tmp_path / "tiny.safetensors"
    recipe.write_text('network = "xunet"\nsteps = 2\nbatch = 2\ncrop = 64\n')
    arguments = ["detector", "--method", "lsb-matching", "--recipe", recipe, "-o", weights]
    arguments += ["--photos", photos, "--crop", 96]
    result = CliRunner().invoke(train_app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    assert load_detector(weights).name == "xunet"
    evaluation = ("--evaluate", "lsb-matching", "--detector", weights, "--crop", 96, "--jobs", 1)
    result = run(photos, *evaluation, "--work", tmp_path / "work", "--against", "camera")
    assert result.exit_code == 0, result.output
    assert "xunet" in result.stdout
    assert "honest" in result.stdout


def test_what_cannot_be_read_is_skipped_with_its_reason(photos: Path, tmp_path: Path) -> None:
    (photos / "notes.txt").write_text("no picture")
    (photos / "a_cut.png").write_bytes((photos / "photo0.png").read_bytes()[:300])
    work = ("--work", tmp_path / "work", "--jobs", 1)
    result = run(photos, "--evaluate", "lsb-matching", *work)
    assert result.exit_code == 1, result.output
    assert "lsb-matching: 4 pairs" in result.stdout
    skipped = [line for line in result.stderr.splitlines() if line.startswith("skipped")]
    assert len(skipped) == 2
    assert "a_cut.png" in skipped[0]
    refused(photos / "notes.txt", "--evaluate", "lsb-matching", *work, says="nothing to examine")


def test_why_a_method_refuses_is_said(photos: Path, tmp_path: Path) -> None:
    work = ("--work", tmp_path / "work", "--jobs", 1, "--crop", 16)
    result = run(photos, "--evaluate", "hide-balanced", *work)
    assert result.exit_code == 2
    assert "refused  photo0.png: " in result.stderr
    assert "refused all photos" in result.stderr.splitlines()[-1]
