"""The weights that ship: listed, as released, within the size that was promised."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from latentink.bundled import FOLDER
from latentink.cli.main import app
from latentink.weights.catalogue import catalogue, verify_bundled


def test_every_bundled_file_is_in_the_catalogue_with_a_card():
    entries = {entry.name: entry for entry in catalogue() if entry.source.endswith(".toml")}
    assert {path.stem for path in FOLDER.glob("*.safetensors")} == set(entries)
    for name, entry in entries.items():
        assert (FOLDER / f"{name}.md").exists(), name
        recipe = FOLDER.parent / "training" / "recipes" / entry.source
        assert recipe.exists(), entry.source
        assert entry.measured
    assert sum(entry.file_bytes for entry in entries.values()) <= 40e6


def test_the_bundled_files_are_as_released():
    assert verify_bundled() == {}
    result = CliRunner().invoke(app, ["weights", "verify"])
    assert result.exit_code == 0
    assert "as released" in result.stdout


def test_an_altered_and_a_missing_file_are_found(tmp_path, monkeypatch):
    folder = Path(shutil.copytree(FOLDER, tmp_path / "weights"))
    (folder / "hyperprior.safetensors").write_bytes(b"altered")
    (folder / "decoder_dense_d1.safetensors").unlink()
    monkeypatch.setattr("latentink.bundled.FOLDER", folder)
    assert set(verify_bundled()) == {"hyperprior", "decoder_dense_d1"}
    result = CliRunner().invoke(app, ["weights", "verify"])
    assert result.exit_code == 2
    assert "hyperprior: differs from the released file" in result.stderr


def test_the_list_names_codec_quality_size_source_and_figures():
    result = CliRunner().invoke(app, ["weights", "list", "--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    for codec in ("hyperprior", "elic"):
        assert rows[codec]["codec"] == codec
        assert rows[codec]["quality"] == "1–8"
        assert rows[codec]["source"] == f"codec_{codec}.toml"
        assert "dB" in rows[codec]["measured"]
        assert rows[codec]["file_bytes"] > 1e6
    table = CliRunner().invoke(app, ["weights", "list"], env={"COLUMNS": "200"})
    assert "hyperprior" in table.stdout


def test_imported_weights_are_listed_also_broken_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTINK_WEIGHTS", str(tmp_path))
    shutil.copy(FOLDER / "hyperprior.safetensors", tmp_path / "mine.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    kinds = {entry.name: entry.kind for entry in catalogue()}
    assert kinds["mine"] == "codec"
    assert kinds["broken"] == "unreadable"


@pytest.mark.parametrize("command", ["list", "verify", "import"])
def test_help_answers(command):
    assert CliRunner().invoke(app, ["weights", command, "--help"]).exit_code == 0
