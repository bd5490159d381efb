"""The scripts behind the figures still start, and their README names each."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).parents[2] / "experiments"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py") if path.name != "inputs.py")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_starts(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("bjontegaard")
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(FOLDER / name), run_name="__main__")
    assert ended.value.code == 0
    assert "--help" in capsys.readouterr().out


def test_the_readme_names_each_script() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in SCRIPTS if f"`{name}`" not in readme] == []


def test_same_bytes_sees_a_changed_byte_and_a_changed_tensor_but_no_changed_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    script = runpy.run_path(str(FOLDER / "same_bytes.py"))
    compare, case = script["compare"], script["Case"]
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, byte, value, note in ((old, b"a", 1.0, "was"), (new, b"b", 2.0, "is")):
        folder.mkdir()
        (folder / "same.lik").write_bytes(b"a")
        (folder / "other.lik").write_bytes(byte)
        ones = {"weight": torch.ones(2)}
        save_file(ones, folder / "kept.safetensors", {"note": note})
        save_file(ones, folder / "two.safetensors")
        save_file({"weight": torch.full((2,), value)}, folder / "two.encoder.safetensors")
    results = {
        name: compare(case(name, "", (), suffix), old, new)
        for name, suffix in (
            ("same", ".lik"),
            ("other", ".lik"),
            ("other", ""),
            ("kept", ".safetensors"),
            ("two", ".safetensors"),
            ("missing", ".lik"),
        )
    }
    assert results == {
        "same": "",
        "other": "1 of 1 bytes",
        "kept": "",
        "two": "1 of 1 tensors, weight the first",
        "missing": "no file from OLD and NEW",
    }
