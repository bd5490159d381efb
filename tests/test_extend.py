"""The examples of docs/extend.md run as they stand."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from latentink.channels.registry import CHANNELS
from latentink.codecs.registry import CODECS
from latentink.editing.objective import TERMS
from latentink.message_decoders.registry import MESSAGE_DECODERS
from latentink.methods.registry import METHODS
from latentink.relaxations.registry import RELAXATIONS
from latentink.steganalysis.registry import DETECTORS

DOCUMENT = Path(__file__).parents[1] / "docs" / "extend.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)


@pytest.fixture
def tables_restored() -> Iterator[None]:
    """Take what the examples register out of the tables again."""
    tables = (CHANNELS, CODECS, DETECTORS, MESSAGE_DECODERS, METHODS, RELAXATIONS, TERMS)
    before = [(table, dict(table)) for table in tables]
    yield
    for table, entries in before:
        table.clear()
        table.update(entries)


@pytest.mark.usefixtures("tables_restored")
def test_the_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("extend")
    # Tables name modules, so the examples' own must be one that can be imported.
    monkeypatch.setitem(sys.modules, "extend", module)
    namespace = vars(module)
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"docs/extend.md, block {number}", "exec"), namespace)
    assert "even-sum" in METHODS
    assert "low-bits" in DETECTORS
    assert "colour shift" in TERMS
    assert "sine" in RELAXATIONS
    assert "flat" in CODECS
    assert "decoded" in namespace


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_is_short(block: str) -> None:
    assert len(block.splitlines()) < 40
