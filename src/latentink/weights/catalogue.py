"""Lists the weights that are here: bundled ones, described in catalogue.toml, and imported ones."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentink.bundled import bundled
from latentink.errors import WeightsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Entry:
    """A weights file.

    Attributes:
        name: of the file, without its ending.
        kind: ``"codec"``, ``"message decoder"``, ``"message encoder"``, ``"learned optimiser"``,
            ``"discriminator"``, or ``"unreadable"`` for an imported file that is damaged.
        codec: name of the codec that it is of or belongs to; empty if it belongs to none.
        quality: range of its qualities; empty if it has none.
        file_bytes: size of the file.
        source: where it comes from: a recipe of ``latentink train``, or an imported checkpoint.
        measured: figures on the 24 Kodak photos; the model card says how they were measured.
    """

    name: str
    kind: str
    codec: str
    quality: str
    file_bytes: int
    source: str
    measured: str


def catalogue() -> list[Entry]:
    """Return the bundled weights in the catalogue's order, then the imported ones."""
    from latentink.codecs.loading import imported_paths

    shipped = [
        Entry(
            name=name,
            kind=row["kind"],
            codec=row.get("codec", ""),
            quality=row.get("quality", ""),
            file_bytes=_size(bundled(name)),
            source=row["source"],
            measured=row["measured"],
        )
        for name, row in _rows().items()
    ]
    return shipped + [_imported(path) for path in imported_paths()]


def verify_bundled() -> dict[str, str]:
    """Return what is wrong with bundled files, by name; nothing if all are as released."""
    wrong = {}
    for name, row in _rows().items():
        path = bundled(name)
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            wrong[name] = f"cannot be read ({error.strerror}); install latentink anew"
            continue
        if digest != row["sha256"]:
            wrong[name] = "differs from the released file; install latentink anew"
    return wrong


def _rows() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "catalogue.toml").read_text(encoding="utf-8"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _imported(path: Path) -> Entry:
    from latentink.codecs.weights_file import read_weights

    try:
        tensors, metadata = read_weights(path)
    except WeightsError as error:
        return Entry(path.stem, "unreadable", "", "", _size(path), str(path), str(error))
    qualities = tensors["qualities"].tolist()
    quality = f"{qualities[0]:g}" if len(qualities) == 1 else f"{qualities[0]:g}–{qualities[-1]:g}"
    source = metadata.get("source", str(path))
    return Entry(
        path.stem, "codec", metadata["architecture"], quality, _size(path), source, "not measured"
    )
