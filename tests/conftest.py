from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from latentink.codecs.codec import Codec
from latentink.codecs.registry import CODEC_NAMES, load_codec
from latentink.steganography import StegoResult, hide
from photos import astronaut


@pytest.fixture(scope="session")
def hyperprior() -> Codec:
    return load_codec("hyperprior")


@pytest.fixture(scope="session", params=CODEC_NAMES)
def codec(request: pytest.FixtureRequest) -> Codec:
    return load_codec(request.param)


@pytest.fixture(scope="session")
def stego() -> StegoResult:
    """A finished stego of a 256×256 photo with a short message."""
    return hide(astronaut(), b"meet at noon", password="tide")
