"""Picture formats write what they say, and a JPEG photo keeps its tables."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from latentink.errors import OptionError, OutputError
from latentink.picture_formats import (
    JPEG_QUALITY,
    PictureFormat,
    exif_of,
    format_named,
    jpeg_tables,
)
from photos import astronaut


def saved(**settings: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(astronaut()).save(buffer, "JPEG", **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_a_file_shows_what_it_is_said_to_show(name):
    picture_format = PictureFormat(name)
    with Image.open(io.BytesIO(picture_format.encode(astronaut()))) as file:
        assert file.format == name
        assert np.array_equal(np.asarray(file.convert("RGB")), picture_format.shown(astronaut()))
    assert picture_format.lossless == (name == "PNG")


@pytest.mark.parametrize(("quality", "subsampling"), [(50, 2), (83, 0), (95, 1)])
def test_tables_and_subsampling_of_a_jpeg_photo_are_kept(quality, subsampling):
    photo = saved(quality=quality, subsampling=subsampling)
    kept = format_named(Path("out.jpg"), None, photo).encode(astronaut())
    with Image.open(io.BytesIO(kept)) as after, Image.open(io.BytesIO(photo)) as before:
        assert after.quantization == before.quantization
        assert JpegImagePlugin.get_sampling(after) == JpegImagePlugin.get_sampling(before)


def test_a_quality_overrules_the_photos_tables():
    photo = saved(quality=50)
    assert format_named(Path("out.jpg"), 80, photo).jpeg == 80
    assert format_named(Path("out.jpeg"), None, b"no jpeg").jpeg == JPEG_QUALITY


def test_a_grey_jpeg_has_no_tables_for_colour():
    buffer = io.BytesIO()
    Image.fromarray(astronaut()).convert("L").save(buffer, "JPEG")
    assert jpeg_tables(buffer.getvalue()) is None


def test_unfit_names_and_qualities_end_in_a_sentence():
    with pytest.raises(OutputError, match=r"\.png, \.jpg"):
        format_named(Path("out.gif"))
    with pytest.raises(OptionError, match="1 to 100"):
        format_named(Path("out.jpg"), 0)
    with pytest.raises(OptionError, match="leave it out"):
        format_named(Path("out.png"), 80)


def test_metadata_is_kept_without_the_orientation_that_was_applied():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    kept = exif_of(saved(exif=exif))
    data = PictureFormat("JPEG", exif=kept).encode(astronaut())
    with Image.open(io.BytesIO(data)) as file:
        assert dict(file.getexif()) == {0x010F: "a camera"}
    assert exif_of(saved()) == b""
