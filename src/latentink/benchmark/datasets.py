"""The sets of photos that the paper measures on, and any other folder of photos.

"Train the Latent, Not the Image", section 5: 100 photos drawn from the validation sets of CelebA,
DIV2K and MS COCO, cropped to 192×192 (CelebA) or 512×512 pixels.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from latentink.errors import OptionError
from latentink.geometry import MINIMUM_SIDE
from latentink.picture import centre, list_photos, read_picture

PAPER_COUNT = 100
PAPER_CROP = 512
FACES_CROP = 192
PAPER_TABLES = ("CelebA", "DIV2K", "MSCOCO")
"""Names of the datasets in the paper's tables."""


@dataclass(frozen=True)
class KnownDataset:
    """A public set of photos.

    Attributes:
        name: in configurations.
        paper: its name in the paper's tables; empty where the paper does not measure on it.
        crop: side of the crops in pixels.
        inside: folder in its archive that holds the photos; empty where there is none.
        photos: what the files in it are called, for people.
        validation: stems of the first and the last photo of the validation set, where one folder
            holds other photos too; None where all serve.
        source: where to get it.
    """

    name: str
    paper: str
    crop: int
    inside: str
    photos: str
    validation: tuple[str, str] | None
    source: str


@dataclass(frozen=True)
class Dataset:
    """Photos to measure on.

    Attributes:
        name: of the results, and of a public set where it is one (:data:`KNOWN_DATASETS`).
        folder: with the photos in it, or with the folder of the public set's archive.
        crop: side of the centre crops in pixels, 16 or more.
        count: photos at most.
        paper: dataset of the paper whose figures stand beside; empty for none.
    """

    name: str
    folder: Path
    crop: int = PAPER_CROP
    count: int = PAPER_COUNT
    paper: str = ""


KNOWN_DATASETS = {
    dataset.name: dataset
    for dataset in (
        KnownDataset(
            name="div2k",
            paper="DIV2K",
            crop=PAPER_CROP,
            inside="DIV2K_valid_HR",
            photos="0801.png to 0900.png",
            validation=("0801", "0900"),
            source="https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_valid_HR.zip",
        ),
        KnownDataset(
            name="coco",
            paper="MSCOCO",
            crop=PAPER_CROP,
            inside="val2017",
            photos="000000000139.jpg and so on",
            validation=None,
            source="http://images.cocodataset.org/zips/val2017.zip",
        ),
        KnownDataset(
            name="celeba",
            paper="CelebA",
            crop=FACES_CROP,
            inside="img_align_celeba",
            photos="162771.jpg to 182637.jpg, the validation set",
            validation=("162771", "182637"),
            source="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (img_align_celeba.zip)",
        ),
        KnownDataset(
            name="kodak",
            paper="",
            crop=PAPER_CROP,
            inside="",
            photos="kodim01.png to kodim24.png",
            validation=None,
            source="https://r0k.us/graphics/kodak/",
        ),
    )
}
"""The public sets by name."""


def default_crop(name: str) -> int:
    """Return the paper's side of the crops in pixels: 192 for faces, 512 for everything else."""
    known = KNOWN_DATASETS.get(name)
    if known is not None:
        return known.crop
    return FACES_CROP if name == "faces" else PAPER_CROP


def default_paper(name: str) -> str:
    """Return the dataset's name in the paper's tables, or nothing."""
    known = KNOWN_DATASETS.get(name)
    return "" if known is None else known.paper


def list_dataset(dataset: Dataset) -> list[Path]:
    """Return all photos that the dataset draws from, by name.

    Raises:
        OptionError: the folder is missing or holds no photo, with where to get a public set; or
            two photos have the same name but for its ending.
    """
    known = KNOWN_DATASETS.get(dataset.name)
    folder = dataset.folder
    if known is not None and (folder / known.inside).is_dir():
        folder = folder / known.inside
    try:
        photos = list_photos(folder)
    except OptionError as error:
        if known is None:
            raise
        place = f"{dataset.folder / known.inside} (or {dataset.folder})"
        raise OptionError(
            f"{error} Get {dataset.name} from {known.source} and put its photos, {known.photos}, "
            f"into {place}."
        ) from None
    stem, times = Counter(photo.stem for photo in photos).most_common(1)[0]
    if times > 1:
        raise OptionError(
            f"{times} photos in {folder} are called {stem}; results are told apart by the name, "
            "so rename all but one."
        )
    return photos if known is None else _of_the_validation_set(photos, known)


def choose_photos(dataset: Dataset, seed: int) -> list[Path]:
    """Return ``dataset.count`` photos at random, or all where there are fewer, by name.

    The order of drawing depends on seed and names alone, so a larger count only adds photos, and
    results of a smaller one stay of use.

    Raises:
        OptionError: see :func:`list_dataset`.
    """
    drawn = sorted(list_dataset(dataset), key=lambda photo: _lot(seed, photo.name))
    return sorted(drawn[: dataset.count])


def load_photo(path: Path, crop: int) -> np.ndarray:
    """Return the central ``crop`` × ``crop`` pixels, (crop, crop, 3) uint8.

    A photo that is too small is enlarged first (Lanczos), no more than needed; one that is large
    enough is not resized at all.

    Args:
        path: of the file.
        crop: side in pixels, 16 or more.

    Raises:
        OptionError: the crop is below 16 pixels.
        PictureError: no such file, no picture, or one that does not serve as a cover.
    """
    if crop < MINIMUM_SIDE:
        raise OptionError(f"A crop of {crop} pixels is too small; choose {MINIMUM_SIDE} or more.")
    picture = read_picture(path)
    height, width = picture.shape[:2]
    shorter = min(height, width)
    if shorter < crop:
        size = (_scaled(width, crop, shorter), _scaled(height, crop, shorter))
        enlarged = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)
        picture = np.asarray(enlarged)
    return centre(picture, crop)


def _of_the_validation_set(photos: list[Path], known: KnownDataset) -> list[Path]:
    """Leave other photos out; a folder with none of the validation set serves as it is."""
    if known.validation is None:
        return photos
    first, last = known.validation
    return [photo for photo in photos if first <= photo.stem <= last] or photos


def _lot(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"draw {seed} {name}".encode()).digest()


def _scaled(side: int, crop: int, shorter: int) -> int:
    return max(crop, round(side * crop / shorter))
