"""Where codecs come from: the weights that ship, those imported by the user, and any file.

A .lik file names its architecture by a number and its weights by a fingerprint. The receiver looks
for them among the bundled weights and in the user's folder, where ``latentink weights import`` puts
what it makes.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from importlib import resources
from pathlib import Path

from platformdirs import user_data_path

from latentink.codecs.codec import Codec
from latentink.codecs.elic import ElicCodec
from latentink.codecs.hyperprior import HyperpriorCodec
from latentink.codecs.spec import CodecSpec
from latentink.codecs.weights_file import read_weights
from latentink.errors import WeightsError

FOLDER_VARIABLE = "LATENTINK_WEIGHTS"
_CODECS: dict[str, type[HyperpriorCodec] | type[ElicCodec]] = {
    "hyperprior": HyperpriorCodec,
    "elic": ElicCodec,
}
_SPECS = {spec.name: spec for spec in (CodecSpec("hyperprior", 1), CodecSpec("elic", 2))}
CODEC_NAMES = tuple(_CODECS)


def weights_folder() -> Path:
    """Return the folder of imported weights: ``$LATENTINK_WEIGHTS``, or the system's place."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else user_data_path("latentink") / "weights"


def bundled_path(name: str) -> Path:
    """Return the file of the weights that ship for the architecture ``name``.

    Raises:
        WeightsError: no codec of that name.
    """
    if name not in CODEC_NAMES:
        raise WeightsError(f"There is no codec {name!r}; choose from {', '.join(CODEC_NAMES)}.")
    return Path(str(resources.files("latentink.weights"))) / f"{name}.safetensors"


def imported_paths() -> list[Path]:
    """Return the weights files in the user's folder, by name."""
    folder = weights_folder()
    return sorted(folder.glob("*.safetensors")) if folder.is_dir() else []


def fingerprint_of(path: Path) -> bytes:
    """Return the first 8 bytes of the SHA-256 of a weights file.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).digest()[:8]
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read: {error.strerror}.") from None


def load_codec(name: str, weights: Path | None = None) -> Codec:
    """Return the codec called ``name`` with its bundled weights, or with those of a file.

    Args:
        name: architecture.
        weights: a weights file of that architecture, instead of the bundled one.

    Raises:
        WeightsError: no codec of that name, or a file that is not its weights.
    """
    path = bundled_path(name) if weights is None else weights
    fingerprint = fingerprint_of(path)
    codec = _load(path, fingerprint)
    if codec.name != name:
        raise WeightsError(f"{path} holds weights of {codec.name}, not of {name}.")
    return codec


def codec_of_file(number: int, fingerprint: bytes, weights: Path | None = None) -> Codec:
    """Return the codec that a .lik header names.

    Args:
        number: of the architecture.
        fingerprint: of the weights.
        weights: a further file to look at.

    Raises:
        WeightsError: the file was made with a codec or with weights that are not here.
    """
    names = {spec.number: spec.name for spec in _SPECS.values()}
    if number not in names:
        raise WeightsError(f"This file uses codec number {number}, unknown here; update latentink.")
    places = [bundled_path(names[number]), *imported_paths(), *([weights] if weights else [])]
    for path in places:
        if fingerprint_of(path) == fingerprint:
            return _load(path, fingerprint)
    raise WeightsError(
        f"This file was made with other {names[number]} weights (fingerprint {fingerprint.hex()}) "
        "than those that are here; put them into "
        f"{weights_folder()} with 'latentink weights import', or use the version of latentink "
        "that made the file."
    )


@lru_cache(maxsize=2)
def _load(path: Path, fingerprint: bytes) -> Codec:
    tensors, metadata = read_weights(path)
    name = metadata["architecture"]
    return _CODECS[name](_SPECS[name], tensors, fingerprint, str(path))
