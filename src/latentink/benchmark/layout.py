"""What lies where in the folder of a benchmark's results.

```
results.sqlite                      figures (store.py)
pictures/DATASET/METHOD/PHOTO.png   what the stegos of the first photos show
pictures/DATASET/cover/PHOTO.png    the crops of those photos
```
"""

from __future__ import annotations

from pathlib import Path

from latentink.errors import OutputError

RESULTS = "results.sqlite"
PICTURES = "pictures"
COVER = "cover"
"""Stands in a method's place for the photos themselves."""


def picture_path(folder: Path, dataset: str, method: str, photo: str) -> Path:
    """Return where a picture is kept.

    Args:
        folder: of the results.
        dataset: name.
        method: name, or :data:`COVER`.
        photo: name of the photo's file.
    """
    return folder / PICTURES / dataset / method / f"{Path(photo).stem}.png"


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made: {error.strerror}; name another one."
        ) from error
