"""Finds a codec's weights and loads them: bundled ones, imported ones, or any file.

A .lik file names its codec by a number and the codec's weights by a fingerprint. The receiver looks
for them among the bundled weights and in the user's folder, where ``latentink weights import`` puts
what it makes.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, TypeVar

from platformdirs import user_data_path

from latentink.bundled import bundled
from latentink.codecs.entropy_model import EntropyModel
from latentink.codecs.registry import CODECS
from latentink.codecs.weights_file import read_weights
from latentink.errors import WeightsError
from latentink.input_files import read_input

if TYPE_CHECKING:
    from latentink.codecs.codec import Codec
    from latentink.codecs.implementation import Implementation

_Loaded = TypeVar("_Loaded", "Codec", EntropyModel)

FOLDER_VARIABLE = "LATENTINK_WEIGHTS"


def weights_folder() -> Path:
    """Return the folder of imported weights: ``$LATENTINK_WEIGHTS``, or the system's place."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else user_data_path("latentink") / "weights"


def imported_paths() -> list[Path]:
    """Return the weights files in the user's folder, by name."""
    folder = weights_folder()
    return sorted(folder.glob("*.safetensors")) if folder.is_dir() else []


def fingerprint_of(path: Path) -> bytes:
    """Return the first 8 bytes of the SHA-256 of a weights file.

    Raises:
        WeightsError: The file cannot be read.
    """
    try:
        found = path.stat()
    except OSError:
        return _fingerprint(path, 0, 0)  # It says what is wrong.
    return _fingerprint(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=32)
def _fingerprint(path: Path, changed: int, size: int) -> bytes:
    """Return the fingerprint of a file that was last changed then, ns, and has so many bytes."""
    return hashlib.sha256(read_input(path, WeightsError)).digest()[:8]


def load_codec(name: str, weights: Path | None = None) -> Codec:
    """Return the codec called ``name`` with its bundled weights, or with those of a file.

    Args:
        name: A key of :data:`~latentink.codecs.registry.CODECS`.
        weights: A weights file of that codec, instead of the bundled one.

    Raises:
        WeightsError: No codec has this name, or the file does not hold its weights.

    Example:
        >>> codec = load_codec("hyperprior")
        >>> codec.name, codec.qualities
        ('hyperprior', [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    """
    path = _path_of(name, weights)
    return _named(_load(path, fingerprint_of(path)), name, path)


def load_entropy_model(name: str, weights: Path | None = None) -> EntropyModel:
    """Return the entropy model of the codec called ``name``; see :func:`load_codec`.

    Example:
        >>> load_entropy_model("hyperprior").latent_channels
        320
    """
    path = _path_of(name, weights)
    return _named(_load_entropy_model(path, fingerprint_of(path)), name, path)


def _path_of(name: str, weights: Path | None) -> Path:
    if name not in CODECS:
        raise WeightsError(f"There is no codec {name!r}; choose from {', '.join(CODECS)}.")
    return bundled(name) if weights is None else weights


def _named(loaded: _Loaded, name: str, path: Path) -> _Loaded:
    """Return what was loaded, if it is the codec that was named."""
    if loaded.spec.name != name:
        raise WeightsError(
            f"{path} holds weights of {loaded.spec.name}, not of {name}; "
            "name that codec, or another file."
        )
    return loaded


def codec_of_file(number: int, fingerprint: bytes, weights: Path | None = None) -> Codec:
    """Return the codec that a .lik header names.

    Args:
        number: The codec's.
        fingerprint: Of the weights, as from :func:`fingerprint_of`.
        weights: A weights file to look at after the bundled and the imported ones.

    Raises:
        WeightsError: The file was made with a codec or with weights that are not here.
    """
    return _load(_path_of_file(number, fingerprint, weights), fingerprint)


def entropy_model_of_file(
    number: int, fingerprint: bytes, weights: Path | None = None
) -> EntropyModel:
    """Return the entropy model of the codec that a .lik header names; see :func:`codec_of_file`."""
    return _load_entropy_model(_path_of_file(number, fingerprint, weights), fingerprint)


def _path_of_file(number: int, fingerprint: bytes, weights: Path | None) -> Path:
    names = {spec.number: spec.name for spec in CODECS.values()}
    if number not in names:
        raise WeightsError(f"This file uses codec number {number}, unknown here; update latentink.")
    own = bundled(names[number])
    places = [*([own] if own.exists() else []), *imported_paths(), *([weights] if weights else [])]
    for path in places:
        if fingerprint_of(path) == fingerprint:
            return path
    raise WeightsError(
        f"This file was made with other {names[number]} weights (fingerprint {fingerprint.hex()}) "
        "than those that are here; put them into "
        f"{weights_folder()} with 'latentink weights import', or use the version of latentink "
        "that made the file."
    )


@lru_cache(maxsize=2)
def _load(path: Path, fingerprint: bytes) -> Codec:
    tensors, metadata = read_weights(path)
    spec = CODECS[metadata["architecture"]]
    implementation: Implementation = resolve_name(spec.implementation)
    return implementation.codec(_load_entropy_model(path, fingerprint), tensors, str(path))


@lru_cache(maxsize=2)
def _load_entropy_model(path: Path, fingerprint: bytes) -> EntropyModel:
    tensors, metadata = read_weights(path)
    spec = CODECS[metadata["architecture"]]
    model: EntropyModel = resolve_name(spec.entropy_model)(spec, tensors, fingerprint, str(path))
    return model
