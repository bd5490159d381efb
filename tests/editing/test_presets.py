"""Presets refuse names that are in no table."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from latentink.editing.presets import BALANCED, PRESETS, preset_named
from latentink.errors import OptionError


def test_presets_are_found_by_name_and_survive_another_process() -> None:
    for name, preset in PRESETS.items():
        assert preset_named(name) is preset
        assert pickle.loads(pickle.dumps(preset)) == preset
    with pytest.raises(OptionError, match="no preset 'slow'; choose from balanced, fast, paper"):
        preset_named("slow")


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("optimiser", r"no optimiser 'x'; choose from adam, lbfgs\."),
        ("synthesis_relaxation", "no relaxation 'x'; choose from additive_noise, straight_through"),
        ("rate_relaxation", "no relaxation 'x'"),
        ("accuracy_loss", r"no accuracy loss 'x'; choose from hinge, cross_entropy\."),
    ],
)
def test_a_name_that_is_in_no_table_is_refused(field: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        replace(BALANCED, **{field: "x"})
