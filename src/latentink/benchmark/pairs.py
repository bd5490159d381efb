"""Pairs of files that detectors learn from and are tested on: a photo without and with a message.

The plain file is what the method's own embedder makes of the photo without bits
(:meth:`Method.plain`), in the same format at the same quality. The camera's photo is kept beside
it, for the comparison that is too easy for detectors.

A folder holds ``NAME.camera.png``, ``NAME.plain.*`` and ``NAME.stego.*`` for each photo, or
``NAME.refused.txt`` with the reason why the method refused it. A second run makes what is missing.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

from latentink.benchmark.bits import photo_bits
from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import LatentinkError, OptionError, OutputError, WeightsError
from latentink.methods.entries import MethodOptions
from latentink.methods.method import Method
from latentink.methods.registry import load_method
from latentink.methods.saving import eight_bits
from latentink.picture import centre, encode_png, read_picture, write_atomically
from latentink.steganalysis.detector import Evidence, Pair
from latentink.workers import WorkerPool

_MANIFEST = "pairs.json"


@dataclass(frozen=True)
class PairsRecipe:
    """What decides the files of a folder of pairs.

    Attributes:
        method: name (methods/registry.py).
        crop: side of the centre crop in pixels; smaller photos are taken whole.
        seed: of the bits and of the method.
    """

    method: str
    crop: int = 512
    seed: int = 0


def make_pairs(
    recipe: PairsRecipe,
    photos: Sequence[Path],
    folder: Path,
    jobs: int = 1,
    on_pair: Callable[[], None] = lambda: None,
    device: str = DEFAULT_DEVICE,
) -> None:
    """Make those pairs of ``photos`` that are not in ``folder`` yet.

    Args:
        recipe: what to make.
        photos: files; their stems must differ.
        folder: made where it is missing.
        jobs: processes.
        on_pair: called after each photo.
        device: where networks compute: a key of :data:`latentink.devices.DEVICES`.

    Raises:
        OptionError: no such method, stems that are equal, a folder of another recipe, or a process
            that was killed.
        WeightsError: weights are missing or damaged, which is no refusal of a photo.
        PictureError: a photo cannot be read.
        OutputError: the folder cannot be written.
    """
    _method(recipe.method, device)
    if len({photo.stem for photo in photos}) < len(photos):
        raise OptionError(
            "Two photos have the same name, by which pairs are told apart; rename one."
        )
    _claim(folder, recipe)
    missing = [photo for photo in photos if not _is_done(folder, photo.stem)]
    for _ in range(len(photos) - len(missing)):
        on_pair()
    if jobs == 1 or len(missing) < 2:
        for photo in missing:
            _make_pair(recipe, folder, device, photo)
            on_pair()
        return
    WorkerPool(jobs).for_each(
        partial(_make_pair, recipe, folder, device), missing, lambda _: on_pair()
    )


def read_pairs(recipe: PairsRecipe, folder: Path, photos: Sequence[Path]) -> list[Pair]:
    """Return the pairs of ``photos`` in their order, without those that the method refused.

    Raises:
        OptionError: a pair has not been made.
    """
    method = _method(recipe.method, DEFAULT_DEVICE)
    pairs = []
    for photo in photos:
        if not _is_done(folder, photo.stem):
            raise OptionError(f"{folder} holds no pair of {photo.name}; make the pairs first.")
        if _refusal(folder, photo.stem).exists():
            continue
        camera = _camera(folder, photo.stem)
        pairs.append(
            Pair(
                photo.name,
                Evidence(camera.read_bytes(), read_picture(camera)),
                _evidence(method, folder / f"{photo.stem}.plain{method.suffix}"),
                _evidence(method, folder / f"{photo.stem}.stego{method.suffix}"),
            )
        )
    return pairs


def refusals(folder: Path, photos: Sequence[Path]) -> dict[str, str]:
    """Return why the method refused photos, by their names."""
    found = {}
    for photo in photos:
        path = _refusal(folder, photo.stem)
        if path.exists():
            found[photo.name] = path.read_text()
    return found


def _make_pair(recipe: PairsRecipe, folder: Path, device: str, photo: Path) -> None:
    """Make the pair of a photo, or note why the method refused it."""
    method = _method(recipe.method, device)
    cover = centre(read_picture(photo), recipe.crop)
    bits = photo_bits(method.bits_shape(cover), recipe.seed, photo.name)
    try:
        stego = method.embed(cover, bits, recipe.seed)
    except WeightsError:
        raise
    except LatentinkError as error:
        write_atomically(_refusal(folder, photo.stem), str(error).encode())
        return
    plain = method.plain(cover, stego)
    write_atomically(_camera(folder, photo.stem), encode_png(cover))
    write_atomically(folder / f"{photo.stem}.plain{method.suffix}", plain.data)
    # Last: it says that the others are there.
    write_atomically(folder / f"{photo.stem}.stego{method.suffix}", stego.data)


@cache
def _method(name: str, device: str) -> Method:
    """Return a method, loaded once in each process."""
    return load_method(name, MethodOptions(device=device))


def _claim(folder: Path, recipe: PairsRecipe) -> None:
    """Take a folder for a recipe, or make sure that it was made by the same one."""
    manifest, text = folder / _MANIFEST, json.dumps(asdict(recipe), sort_keys=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not manifest.exists():
            write_atomically(manifest, text.encode())
        known = manifest.read_text()
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be used: {error.strerror}; name another one."
        ) from error
    if known != text:
        raise OptionError(f"{folder} holds pairs of another recipe ({known}); name another folder.")


def _is_done(folder: Path, stem: str) -> bool:
    return _refusal(folder, stem).exists() or any(folder.glob(f"{glob.escape(stem)}.stego.*"))


def _camera(folder: Path, stem: str) -> Path:
    return folder / f"{stem}.camera.png"


def _refusal(folder: Path, stem: str) -> Path:
    return folder / f"{stem}.refused.txt"


def _evidence(method: Method, path: Path) -> Evidence:
    data = path.read_bytes()
    return Evidence(data, eight_bits(method.load(data).picture))
