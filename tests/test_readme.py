"""The README's map and the floors name what is there; the documents name files that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "src" / "latentink"
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def tracked(folder: Path) -> set[str]:
    """Return the names directly in a folder that git tracks."""
    command = ["git", "ls-files"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        pytest.skip("this is no git checkout")
    return {path.split("/")[0] for path in done.stdout.splitlines()}


def maps() -> list[set[str]]:
    """Return the names in the README's two maps: of the repository and of the package."""
    blocks = re.findall(r"```\n(.*?)```", README.split("## How it is built")[1], re.DOTALL)
    return [{line.split()[0] for line in block.splitlines()} for block in blocks]


def test_the_map_names_the_top_level_of_the_repository() -> None:
    named = {name.split("/")[0] for name in maps()[0]}
    assert named == tracked(PROJECT)


def test_the_map_names_every_entry_of_the_package() -> None:
    named = maps()[1]
    assert {name.rstrip("/") for name in named} == tracked(PACKAGE)
    assert {name for name in named if name.endswith("/")} == {
        f"{name.rstrip('/')}/" for name in named if (PACKAGE / name).is_dir()
    }


def test_the_floors_are_those_that_import_linter_holds() -> None:
    configuration = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    layers = re.findall(r'"(.*)"', configuration.split("layers = [")[1].split("\n]")[0])
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    # The names stand in the first column, with a line between two floors.
    drawn = re.sub(r"(?<=\S) {2,}.*", "", text.split("```")[1]).split("│")
    assert [set(re.findall(r"\w+", floor)) for floor in drawn] == [
        set(re.findall(r"\w+", layer)) for layer in layers
    ]


DOCUMENTS = sorted(
    path
    for folder in ("*.md", "docs/*.md", "experiments/*.md", "src/latentink/**/*.md")
    for path in PROJECT.glob(folder)
)


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_files_that_exist(document: Path) -> None:
    if document.name == "CHANGELOG.md":
        pytest.skip("a changelog also names what is gone")
    named = re.findall(r"`([\w.-]+/[\w/.-]+\.(?:py|toml))`", document.read_text(encoding="utf-8"))
    roots = PROJECT, PACKAGE
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_of_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", document.read_text(encoding="utf-8"))
    broken = [
        (name, anchor)
        for name, anchor in links
        if not (target := document.parent / name if name else document).exists()
        or (anchor and anchor not in anchors(target))
    ]
    assert broken == []


def test_each_experiment_is_explained() -> None:
    text = (PROJECT / "experiments" / "README.md").read_text(encoding="utf-8")
    scripts = {path.name for path in (PROJECT / "experiments").glob("*.py")}
    assert scripts == set(re.findall(r"`(\w+\.py)`", text))
