"""Every channel keeps the contract, and is known by its name before it is imported."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from latentink.channels.channel import Channel
from latentink.channels.registry import CHANNELS, all_channels, channel_named
from latentink.defaults import DEFAULT_CHANNEL
from latentink.errors import OptionError
from latentink.results import HideOptions


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_goes_by_its_name(name: str) -> None:
    channel = channel_named(name)
    assert isinstance(channel, Channel)
    assert channel.name == name
    channel.check(HideOptions(channel=name))


def test_a_receiver_tries_channels_in_the_order_of_the_table() -> None:
    assert [channel.name for channel in all_channels()] == list(CHANNELS)
    assert DEFAULT_CHANNEL in CHANNELS


def test_an_unknown_channel_is_refused_with_the_names_of_those_that_are() -> None:
    with pytest.raises(OptionError, match=", ".join(CHANNELS)):
        channel_named("smoke")


def test_names_are_known_without_importing_a_channel() -> None:
    code = (
        "import sys; from latentink.channels.registry import CHANNELS; assert CHANNELS;"
        "assert not any('latents' in name or name == 'torch' for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


PLAIN = HideOptions(channel="latents")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (replace(PLAIN, decoder="dense"), "--decoder"),
        (replace(PLAIN, seconds=1.0), "--seconds"),
        (replace(PLAIN, start="encoder"), "start"),
        (replace(PLAIN, evade=Path("detector.safetensors")), "--evade"),
        (replace(PLAIN, steps=-1), "at least 0"),
        (HideOptions(channel="pixels", steps=0), "at least 1"),
    ],
)
def test_an_option_that_a_channel_has_no_use_for_is_refused(
    options: HideOptions, sentence: str
) -> None:
    with pytest.raises(OptionError, match=sentence):
        channel_named(options.channel).check(options)
