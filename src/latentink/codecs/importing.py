"""Makes weights files of published checkpoints, of our trainer's and of CompressAI's zoo."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor

from latentink.codecs.implementation import implementation_of
from latentink.codecs.loading import load_codec, weights_folder
from latentink.codecs.model import weights_of
from latentink.codecs.published import import_checkpoint
from latentink.codecs.registry import CODECS
from latentink.codecs.weights_file import FORMAT, read_weights
from latentink.errors import OptionError, OutputError, WeightsError, unfit_weights
from latentink.tensor_files import read_checkpoint, state_dict_of, write_safetensors

ZOO_QUALITIES = range(1, 9)
_MOST_CHANNELS = 1024
ZOO = "https://compressai.s3.amazonaws.com/models/v1"
ZOO_CHECKSUMS = {
    "bmshj2018-hyperprior": (
        "7eb97409", "93677231", "6d87be32", "de1b779c",
        "f8b614e1", "1ab9c41e", "3804dcbd", "a583f0cf",
    ),
}  # fmt: skip
"""First digits of the SHA-256 of CompressAI's published weights, by model, qualities 1 to 8."""


@dataclass(frozen=True)
class ImportedWeights:
    """A weights file that was written.

    Attributes:
        path: of the file.
        codec: name of the codec.
        fingerprint: 8 bytes by which .lik files refer to it.
    """

    path: Path
    codec: str
    fingerprint: bytes


def import_weights(
    source: Path, *, codec: str, quality: float = 5.0, out: Path | None = None
) -> ImportedWeights:
    """Make a weights file of a checkpoint and put it where receivers find it.

    Args:
        source: A published checkpoint (``.pth.tar``), a checkpoint of ``latentink train codec``, or
            a weights file.
        codec: Name of the codec that it must be of.
        quality: The quality that a published checkpoint was trained for, 1 to 8.
        out: The file to write. None: a file in the user's folder, named after source and
            fingerprint, so that no import replaces weights that older .lik files need.

    Raises:
        WeightsError: The source is truncated, is of another codec or size, or holds anything other
            than tensors; the sentence names the first mismatch.
        OptionError: No codec has this name, or the quality is not from 1 to 8.
        OutputError: The file cannot be written.
    """
    if codec not in CODECS:
        raise OptionError(f"There is no codec {codec!r}; choose from {', '.join(CODECS)}.")
    if not 1 <= quality <= 8:
        raise OptionError(f"A checkpoint's quality is a number from 1 to 8, not {quality:g}.")
    tensors, notes = _tensors_of(source, codec, quality)
    folder = out.parent if out else weights_folder()
    stem = source.name.removesuffix(".tar").removesuffix(source.suffix).removesuffix(".pth")
    metadata = {**notes, "format": FORMAT, "architecture": codec}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made: {error.strerror}; name a file in another with -o."
        ) from error
    trial = folder / f"{stem}.trial"
    write_safetensors(tensors, metadata, trial)
    try:
        # Building the codec checks every network before the file gets its name.
        fingerprint = load_codec(codec, trial).entropy.fingerprint
        path = out or folder / f"{stem}-{fingerprint.hex()[:8]}.safetensors"
        trial.replace(path)
    except WeightsError as error:
        raise WeightsError(str(error).replace(str(trial), str(source))) from None
    finally:
        trial.unlink(missing_ok=True)
    return ImportedWeights(path, codec, fingerprint)


def _tensors_of(
    source: Path, codec: str, quality: float
) -> tuple[dict[str, Tensor], dict[str, str]]:
    if source.suffix == ".safetensors":
        stored, metadata = read_weights(source)
        if metadata["architecture"] != codec:
            raise WeightsError(
                f"{source} holds weights of {metadata['architecture']}, not {codec}; "
                "name that codec, or another file."
            )
        return {name: torch.from_numpy(array) for name, array in stored.items()}, metadata
    state = read_checkpoint(source)
    if "recipe" in state and "model" in state:
        return _of_trainer(state, codec, str(source))
    tensors = state_dict_of(state, str(source))
    notes = {"source": source.name, "quality": f"{quality:g}"}
    return import_checkpoint(tensors, codec, quality, str(source)), notes


def _of_trainer(
    state: dict[str, object], codec: str, origin: str
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors and metadata of the weights in a checkpoint of ``latentink train codec``."""
    recipe = state["recipe"]
    if not isinstance(recipe, dict) or recipe.get("architecture") != codec:
        raise unfit_weights(f"{origin} is not a checkpoint of a run that trains {codec}")
    tensors = state.get("average") or state["model"]
    if not (_is_genuine(recipe, codec) and isinstance(tensors, dict)):
        raise unfit_weights(f"{origin} is damaged: its recipe is not that of a run")
    model = implementation_of(codec).model(
        recipe["channels"], recipe["latent_channels"], recipe["qualities"]
    )
    own = {key.removeprefix("module."): value for key, value in tensors.items()}
    own.pop("n_averaged", None)
    try:
        model.load_state_dict(own)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise unfit_weights(f"{origin} does not fit its own recipe ({error})") from None
    return weights_of(model, torch.float16), {"steps": str(state.get("step", "unknown"))}


def _is_genuine(recipe: dict[Any, Any], codec: str) -> bool:
    """Return whether a recipe's sizes are such that a model can be built of them."""
    channels, latent_channels = recipe.get("channels"), recipe.get("latent_channels")
    qualities = recipe.get("qualities")
    return (
        type(channels) is int
        and type(latent_channels) is int
        and 1 <= channels <= _MOST_CHANNELS
        and implementation_of(codec).least_latent_channels <= latent_channels <= _MOST_CHANNELS
        and isinstance(qualities, list)
        and bool(qualities)
        and all(type(one) in (int, float) and 1 <= one <= 8 for one in qualities)
        and all(low < high for low, high in pairwise(qualities))
    )


def zoo_weights(codec: str, quality: float) -> Path:
    """Return a weights file of CompressAI's zoo, which is downloaded on first use.

    Args:
        codec: A key of :data:`~latentink.codecs.registry.CODECS`.
        quality: A whole number from 1 to 8.

    Raises:
        OptionError: The zoo does not have this codec or this quality.
        WeightsError: The download fails or has another checksum than the zoo says.
    """
    from torch.hub import download_url_to_file

    zoo = implementation_of(codec).zoo
    if zoo is None:
        known = ", ".join(name for name in CODECS if implementation_of(name).zoo)
        raise OptionError(f"The zoo has no weights of {codec}; it has those of {known}.")
    if quality not in ZOO_QUALITIES:
        raise OptionError(f"The zoo has the qualities 1 to 8, whole numbers, not {quality:g}.")
    number = int(quality)
    path = weights_folder() / f"{zoo}-{number}.safetensors"
    if path.exists():
        return path
    url = f"{ZOO}/{zoo}-{number}-{ZOO_CHECKSUMS[zoo][number - 1]}.pth.tar"
    download = weights_folder() / Path(url).name
    digest = ZOO_CHECKSUMS[zoo][number - 1]
    try:
        download.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(url, str(download), digest, progress=True)
    except (URLError, OSError, RuntimeError) as error:
        download.unlink(missing_ok=True)
        reason = getattr(error, "reason", error)
        raise WeightsError(
            f"The zoo's weights cannot be downloaded from {url} ({reason}); download them "
            "elsewhere and use 'latentink weights import'."
        ) from None
    try:
        return import_weights(download, codec=codec, quality=quality, out=path).path
    finally:
        download.unlink(missing_ok=True)


def find_weights(text: str | None, codec: str, quality: float) -> Path | None:
    """Return the weights file that ``--weights`` names.

    Args:
        text: What the user gave: None, ``"zoo"``, a weights file, or a published checkpoint, which
            is imported into the user's folder.
        codec: A key of :data:`~latentink.codecs.registry.CODECS`.
        quality: The quality that the user asks for.

    Raises:
        WeightsError, OptionError: See :func:`import_weights` and :func:`zoo_weights`.
    """
    if text is None:
        return None
    if text == "zoo":
        return zoo_weights(codec, quality)
    path = Path(text)
    if path.suffix == ".safetensors":
        return path
    return import_weights(path, codec=codec, quality=quality).path
