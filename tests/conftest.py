from __future__ import annotations

import pytest
from hypothesis import settings

from latentink.codecs.codec import Codec
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS
from latentink.results import StegoResult
from latentink.steganography import hide
from photos import astronaut

# How long an example takes says how busy the machine is.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def hyperprior() -> Codec:
    return load_codec("hyperprior")


@pytest.fixture(scope="session", params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return load_codec(request.param)


@pytest.fixture(scope="session")
def stego() -> StegoResult:
    """A finished stego of a 256×256 photo with a short message."""
    return hide(astronaut(), b"meet at noon", password="tide")
