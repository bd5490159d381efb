"""Datasets: chosen by the seed, cropped as in the paper, and missed with an address."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentink.benchmark.datasets import (
    KNOWN_DATASETS,
    Dataset,
    choose_photos,
    default_crop,
    default_paper,
    list_dataset,
    load_photo,
)
from latentink.errors import OptionError, PictureError
from photos import astronaut


def save(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(astronaut(height=16, width=16)).save(folder / name)


@pytest.mark.parametrize("name", ["div2k", "coco", "celeba", "kodak"])
def test_a_missing_public_set_says_where_to_get_it(name: str, tmp_path: Path) -> None:
    known = KNOWN_DATASETS[name]
    with pytest.raises(OptionError) as caught:
        list_dataset(Dataset(name, tmp_path / "nothing"))
    for part in (known.source, known.photos, str(tmp_path / "nothing" / known.inside)):
        assert part in str(caught.value)


def test_a_missing_or_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nothing does not exist"):
        list_dataset(Dataset("mine", tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="empty holds no photo"):
        list_dataset(Dataset("mine", tmp_path / "empty"))


def test_the_archives_folder_serves_as_well_as_the_one_inside(tmp_path: Path) -> None:
    save(tmp_path / "DIV2K_valid_HR", "0801.png", "0802.png")
    outside = list_dataset(Dataset("div2k", tmp_path))
    assert outside == list_dataset(Dataset("div2k", tmp_path / "DIV2K_valid_HR"))
    assert [photo.name for photo in outside] == ["0801.png", "0802.png"]


def test_only_the_validation_set_is_drawn_from_where_others_lie_beside(tmp_path: Path) -> None:
    save(tmp_path / "celeba", "000001.jpg", "162771.jpg", "182637.jpg", "182638.jpg")
    photos = list_dataset(Dataset("celeba", tmp_path / "celeba"))
    assert [photo.stem for photo in photos] == ["162771", "182637"]
    save(tmp_path / "hq", "a.jpg", "b.jpg")
    assert len(list_dataset(Dataset("celeba", tmp_path / "hq"))) == 2


def test_the_seed_chooses_and_more_photos_only_add(tmp_path: Path) -> None:
    save(tmp_path, *(f"{index:02}.png" for index in range(20)))
    few, many = (choose_photos(Dataset("mine", tmp_path, count=n), 0) for n in (5, 12))
    assert few == sorted(few)
    assert len(few) == 5
    assert len(many) == 12
    assert set(few) < set(many)
    others = choose_photos(Dataset("mine", tmp_path, count=5), 1)
    assert others != few
    assert len(choose_photos(Dataset("mine", tmp_path, count=100), 0)) == 20


def test_photos_that_only_differ_in_their_ending_are_refused(tmp_path: Path) -> None:
    save(tmp_path, "a.png", "a.jpg", "b.png")
    with pytest.raises(OptionError, match=r"2 photos .* are called a"):
        choose_photos(Dataset("mine", tmp_path), 0)


def test_a_large_photo_is_cropped_without_resizing(tmp_path: Path) -> None:
    picture = astronaut(height=60, width=80)
    Image.fromarray(picture).save(tmp_path / "large.png")
    crop = load_photo(tmp_path / "large.png", 40)
    assert np.array_equal(crop, picture[10:50, 20:60])
    assert crop.flags.c_contiguous


@pytest.mark.parametrize(("height", "width"), [(30, 90), (90, 30), (47, 33)])
def test_a_small_photo_is_enlarged_no_more_than_needed(
    height: int, width: int, tmp_path: Path
) -> None:
    picture = astronaut(height=height, width=width)
    Image.fromarray(picture).save(tmp_path / "small.png")
    crop = load_photo(tmp_path / "small.png", 64)
    assert crop.shape == (64, 64, 3)
    assert crop.dtype == np.uint8
    # The shorter side is in the crop whole: reduced again, it is the photo's middle.
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    middle = picture[top : top + shorter, left : left + shorter].astype(float)
    reduced = Image.fromarray(crop).resize((shorter, shorter), Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(reduced) - middle).mean() < 4


def test_what_cannot_be_loaded_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(PictureError, match=r"text\.png"):
        load_photo(tmp_path / "text.png", 64)
    with pytest.raises(OptionError, match="8 pixels"):
        load_photo(tmp_path / "text.png", 8)


def test_defaults_are_the_papers() -> None:
    crops = [default_crop(name) for name in ("div2k", "coco", "celeba", "faces", "mine")]
    assert crops == [512, 512, 192, 192, 512]
    papers = [default_paper(name) for name in ("div2k", "coco", "celeba", "kodak", "mine")]
    assert papers == ["DIV2K", "MSCOCO", "CelebA", "", ""]
