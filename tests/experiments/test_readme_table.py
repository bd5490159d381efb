"""The README's table is the one of the committed report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def generate(readme: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script, report = PROJECT / "experiments" / "readme_table.py", PROJECT / "docs" / "results"
    command = [sys.executable, str(script), str(report), str(readme), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_readme_shows_the_committed_report() -> None:
    done = generate(PROJECT / "README.md", "--check")
    assert done.returncode == 0, done.stderr


def test_an_old_table_is_noticed_and_renewed(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    readme.write_text(text.replace("| `hyperbase-5` |", "| `hyperbase-5` | "), encoding="utf-8")
    assert generate(readme, "--check").returncode == 1
    assert generate(readme).returncode == 0
    assert readme.read_text(encoding="utf-8") == text
