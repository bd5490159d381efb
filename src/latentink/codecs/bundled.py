"""Where codecs come from: the weights files that ship with latentink, by name or fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from latentink.codecs.hyperprior import HyperpriorCodec
from latentink.errors import WeightsError

CODEC_NAMES = ("hyperprior",)
_CODEC_NUMBERS = {"hyperprior": 1}


@dataclass(frozen=True)
class BundledCodec:
    """A codec with the identity that a file refers to.

    Attributes:
        name: as on the command line.
        number: as in the .lik header.
        fingerprint: first 8 bytes of the SHA-256 of the weights file.
        codec: the codec itself.
    """

    name: str
    number: int
    fingerprint: bytes
    codec: HyperpriorCodec


@lru_cache(maxsize=2)
def load_codec(name: str) -> BundledCodec:
    """Return the bundled codec called ``name``.

    Raises:
        WeightsError: no codec of that name.
    """
    if name not in CODEC_NAMES:
        raise WeightsError(f"There is no codec {name!r}; choose from {', '.join(CODEC_NAMES)}.")
    from safetensors.torch import load

    data = resources.files("latentink.weights").joinpath(f"{name}.safetensors").read_bytes()
    fingerprint = hashlib.sha256(data).digest()[:8]
    return BundledCodec(name, _CODEC_NUMBERS[name], fingerprint, HyperpriorCodec(load(data)))


def codec_of_file(number: int, fingerprint: bytes) -> BundledCodec:
    """Return the codec that a .lik header names.

    Raises:
        WeightsError: the file was made with a codec or with weights that are not here.
    """
    for name, known in _CODEC_NUMBERS.items():
        if known == number:
            bundled = load_codec(name)
            if bundled.fingerprint == fingerprint:
                return bundled
            raise WeightsError(
                f"This file was made with other {name} weights (fingerprint {fingerprint.hex()}, "
                f"here {bundled.fingerprint.hex()}); use the version of latentink that made it."
            )
    raise WeightsError(f"This file uses codec number {number}, unknown here; update latentink.")
