"""Pairs: made once, resumed, and of like files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentink.benchmark.pairs import PairsRecipe, make_pairs, read_pairs, refusals
from latentink.errors import OptionError
from photos import astronaut

LSB = PairsRecipe("lsb-matching", crop=64)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = []
    for name, top in (("one", 0), ("two", 200)):
        path = tmp_path / f"{name}.png"
        Image.fromarray(astronaut(top, height=96, width=96)).save(path)
        paths.append(path)
    return paths


def test_the_plain_file_is_the_cover_in_the_stegos_format(
    photos: list[Path], tmp_path: Path
) -> None:
    recipe = PairsRecipe("nsf5", crop=64)
    make_pairs(recipe, photos, tmp_path / "pairs")
    for pair in read_pairs(recipe, tmp_path / "pairs", photos):
        assert pair.plain.data[:2] == pair.stego.data[:2] == b"\xff\xd8"
        assert np.any(pair.plain.picture != pair.stego.picture)
        assert np.any(pair.plain.picture != pair.camera.picture)
        assert pair.camera.picture.shape == (64, 64, 3)


def test_making_goes_on_where_it_stopped(photos: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    make_pairs(LSB, photos[:1], folder)
    first = next(folder.glob("one.stego.*"))
    before = first.stat().st_mtime_ns
    with pytest.raises(OptionError, match="no pair of two"):
        read_pairs(LSB, folder, photos)
    done = []
    make_pairs(LSB, photos, folder, on_pair=lambda: done.append(1))
    assert len(done) == 2
    assert first.stat().st_mtime_ns == before
    assert [pair.photo for pair in read_pairs(LSB, folder, photos)] == ["one.png", "two.png"]


def test_processes_make_what_one_makes(photos: list[Path], tmp_path: Path) -> None:
    make_pairs(LSB, photos, tmp_path / "one")
    make_pairs(LSB, photos, tmp_path / "two", jobs=2)
    alone, together = (
        [pair.stego.data for pair in read_pairs(LSB, tmp_path / name, photos)]
        for name in ("one", "two")
    )
    assert alone == together


def test_a_photo_that_refuses_is_left_out_with_its_reason(
    photos: list[Path], tmp_path: Path
) -> None:
    recipe = PairsRecipe("hide-balanced", crop=16)
    folder = tmp_path / "pairs"
    make_pairs(recipe, photos, folder)
    assert read_pairs(recipe, folder, photos) == []
    assert "byte" in refusals(folder, photos)["one.png"]


def test_a_folder_keeps_to_one_recipe(photos: list[Path], tmp_path: Path) -> None:
    make_pairs(LSB, photos[:1], tmp_path / "pairs")
    with pytest.raises(OptionError, match="another recipe"):
        make_pairs(PairsRecipe("lsb-matching", crop=48), photos, tmp_path / "pairs")


def test_photos_need_names_of_their_own(photos: list[Path], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="same name"):
        make_pairs(LSB, [photos[0], photos[0]], tmp_path / "pairs")
