"""The examples of docs/extend.md run as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentink.editing.objective import TERMS
from latentink.relaxations.registry import RELAXATIONS

DOCUMENT = Path(__file__).parents[1] / "docs" / "extend.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)


@pytest.fixture
def tables_restored() -> Iterator[None]:
    """Take what the examples register out of the tables again."""
    before = [(table, dict(table)) for table in (TERMS, RELAXATIONS)]
    yield
    for table, entries in before:
        table.clear()
        table.update(entries)


@pytest.mark.usefixtures("tables_restored")
def test_the_examples_run() -> None:
    namespace: dict[str, object] = {"__name__": "extend"}
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"docs/extend.md, block {number}", "exec"), namespace)
    assert "EvenSum" in namespace
    assert "colour shift" in TERMS
    assert "sine" in RELAXATIONS
    assert "decoded" in namespace


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_is_short(block: str) -> None:
    assert len(block.splitlines()) < 30
