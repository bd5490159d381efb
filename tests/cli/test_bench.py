"""``latentink bench`` as a person meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from latentink.benchmark.layout import RESULTS
from latentink.benchmark.store import Results
from latentink.cli.bench import bench_app
from photos import astronaut

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(bench_app, name="bench")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def refused(*arguments: str | Path, says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert says in result.stderr.splitlines()[-1]
    assert result.stdout == ""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(2):
        Image.fromarray(astronaut(top=100 * index)).save(photos / f"{index}.png")
    path = tmp_path / "bench.toml"
    path.write_text(
        'methods = ["lsb-matching", "lsb-replacement"]\npictures = 1\n'
        '[datasets.mine]\nfolder = "photos"\ncrop = 64\n'
    )
    return path


def test_it_measures_reports_and_goes_on(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("run", "--config", config, "--out", out)
    assert result.exit_code == 0, result.output
    assert "4 results" in result.stdout
    with Results(out / RESULTS) as results:
        before = results.measurements()
    assert {row.accuracy for row in before} == {1.0}

    again = run("run", "--config", config, "--out", out)
    assert again.exit_code == 0, again.output
    with Results(out / RESULTS) as results:
        assert results.measurements() == before

    report = run("report", out)
    assert report.exit_code == 0, report.output
    page = (out / "report.html").read_text()
    assert "lsb-matching" in page
    assert "weights of hyperprior" in page
    assert "lsb-replacement" in (out / "tables" / "mine_main.csv").read_text()


def test_refusals_are_tried_again_when_asked_for(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = config.read_text().replace('"lsb-matching", "lsb-replacement"', '"hide-balanced"')
    # 16 pixels hold nothing, which is known before anything is edited.
    config.write_text(text.replace("crop = 64", "crop = 16"))
    assert run("run", "--config", config, "--out", out).exit_code == 0
    with Results(out / RESULTS) as results:
        assert len(results.refusals()) == 2
    again = run("run", "--config", config, "--out", out, "--retry-refused")
    assert "2 refusals are tried again" in again.stdout
    assert "2 results" in again.stdout


def test_what_is_wrong_is_said(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measuring = ("run", "--config", config, "--out", out)
    refused(*measuring, "--jobs", 0, says="--jobs")
    refused(*measuring, "--engine", "cloud", says="local or ray")
    refused(*measuring, "--gpus", 1, says="--engine ray")
    refused("run", "--config", tmp_path / "none.toml", "--out", out, says="There is no file")
    refused("report", out, says="run the benchmark first")
    refused(*measuring, "--retry-refused", says="run the benchmark first")
    config.write_text('methods = ["none"]\n[datasets.mine]\nfolder = "photos"\n')
    refused(*measuring, says="no method 'none'")
    assert not out.exists()
