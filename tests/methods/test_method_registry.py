from __future__ import annotations

import pytest

from latentink.errors import OptionError, WeightsError
from latentink.methods.registry import MethodOptions, load_method, method_entries

PAPER_ROWS = {
    *("fnns", "fnns-fp16", "fnns-png", "fnns-jpg90", "fnns-jpg70", "fnns-jpg50"),
    *("fnns-jpg90-train", "fnns-jpg70-train", "fnns-jpg50-train"),
    *("liso-png", "liso-jpg90", "liso-jpg70", "liso-jpg50", "liso-jpeg"),
    *(f"hyperbase-{quality}" for quality in range(3, 9)),
    *(f"elicbase-{quality}" for quality in range(3, 7)),
}


def test_every_row_of_the_paper_has_a_method() -> None:
    assert method_entries().keys() >= PAPER_ROWS


@pytest.mark.parametrize("name", list(method_entries()))
def test_a_method_has_the_name_that_it_is_called_by(name: str) -> None:
    method = load_method(name)
    assert method.name == name
    assert method.suffix.startswith(".")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("fnns-mp3", MethodOptions()),
        ("fnns", MethodOptions(depth=9)),
        ("liso-png", MethodOptions(depth=2)),
        ("steghide", MethodOptions(decoder="dense")),
        ("fnns-de", MethodOptions(decoder="robust")),
        ("fnns-r", MethodOptions(decoder="dense")),
        ("fnns-r", MethodOptions(depth=0)),
        ("fnns-png", MethodOptions(decoder="periodic")),
        ("hyperbase-5", MethodOptions(decoder="periodic")),
        ("lsb-matching", MethodOptions(depth=0)),
        ("fnns-jpg90", MethodOptions(subsampling="4:1:1")),
    ],
)
def test_what_does_not_go_together_is_refused(name: str, options: MethodOptions) -> None:
    with pytest.raises((OptionError, WeightsError)):
        load_method(name, options)
