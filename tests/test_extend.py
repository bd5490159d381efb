"""The examples of docs/extend.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[1] / "docs" / "extend.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)


def test_the_examples_run() -> None:
    namespace: dict[str, object] = {"__name__": "extend"}
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"docs/extend.md, block {number}", "exec"), namespace)
    assert "EvenSum" in namespace
    assert "decoded" in namespace


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_is_short(block: str) -> None:
    assert len(block.splitlines()) < 30
