"""What all tests share; one thread a process, for ``make test`` runs a process on each core."""

from __future__ import annotations

import os
import signal

# PyTorch asks once, when it is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import settings

from latentink.codecs.codec import Codec
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS
from latentink.results import HideOptions, StegoResult
from latentink.steganography import hide
from latentink.workers import available_cores
from photos import astronaut

# How long an example takes says how busy the machine is.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# A shell's background jobs ignore Ctrl-C, and so would Python and what the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A process takes up to 3 GB.
_MOST_PROCESSES = 8


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return what ``pytest -n auto`` starts: a process for each core that it may use."""
    return min(available_cores(), _MOST_PROCESSES)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Start each test from the same random numbers, whichever tests ran before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def hyperprior() -> Codec:
    return load_codec("hyperprior")


@pytest.fixture(scope="session", params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return load_codec(request.param)


@pytest.fixture(scope="session")
def stego() -> StegoResult:
    """A finished stego of a 256×256 photo with a short message, made without options."""
    return hide(astronaut(), b"meet at noon", password="tide")


@pytest.fixture(scope="session")
def pixels_stego() -> StegoResult:
    """The same whose picture holds the message."""
    options = HideOptions(channel="pixels", seed=0)
    return hide(astronaut(), b"meet at noon", password="tide", options=options)
