from __future__ import annotations

import io
import os

import numpy as np
import pytest
from PIL import Image

from latentink.errors import OutputError, PictureError
from latentink.picture import (
    centre,
    check_output,
    decode_picture,
    encode_png,
    read_picture,
    to_picture,
    to_tensor,
    write_atomically,
)
from photos import astronaut


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def test_png_is_lossless():
    np.testing.assert_array_equal(decode_picture(encode_png(astronaut()), "p"), astronaut())


def test_tensor_and_back():
    np.testing.assert_array_equal(to_picture(to_tensor(astronaut())), astronaut())


def test_greyscale_is_expanded():
    grey = astronaut()[..., 0]
    picture = decode_picture(saved(Image.fromarray(grey)), "grey")
    np.testing.assert_array_equal(picture, np.repeat(grey[..., None], 3, axis=2))


def test_sixteen_bit_greyscale_is_scaled():
    deep = astronaut()[..., 0].astype(np.uint16) * 257
    picture = decode_picture(saved(Image.fromarray(deep)), "deep")
    np.testing.assert_array_equal(picture[..., 1], astronaut()[..., 0])


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # Rotate by 90° clockwise to view.
    photo = Image.fromarray(astronaut(height=64, width=96))
    picture = decode_picture(saved(photo, exif=exif), "turned")
    np.testing.assert_array_equal(picture, np.rot90(astronaut(height=64, width=96), -1))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_refused(mode):
    with pytest.raises(PictureError, match="alpha"):
        decode_picture(saved(Image.fromarray(astronaut()).convert(mode)), "p.png")


def test_transparent_palette_is_refused():
    palette = Image.fromarray(astronaut()).quantize(8)
    with pytest.raises(PictureError, match="alpha"):
        decode_picture(saved(palette, transparency=0), "p.png")


def test_too_small_is_refused():
    with pytest.raises(PictureError, match="at least 16×16"):
        decode_picture(saved(Image.fromarray(astronaut(height=15, width=40))), "p.png")


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_not_a_picture(data):
    with pytest.raises(PictureError, match=r"p\.png"):
        decode_picture(data, "p.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_truncated_pictures(kind):
    data = saved(Image.fromarray(astronaut()), kind)
    for length in (20, len(data) // 3, len(data) - 40):
        try:
            decode_picture(data[:length], "cut")
        except PictureError:
            continue
        # Pillow may forgive a missing trailer; what it returns must then be the photo's size.
        assert decode_picture(data[:length], "cut").shape == (256, 256, 3)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(PictureError, match="no file"):
        read_picture(tmp_path / "absent.png")
    with pytest.raises(PictureError, match="folder"):
        read_picture(tmp_path)


def test_outputs_are_checked_before_work(tmp_path):
    cover = tmp_path / "cover.png"
    cover.write_bytes(b"original")
    check_output(tmp_path / "new.lik", cover)
    assert list(tmp_path.iterdir()) == [cover]
    for wrong in (tmp_path, tmp_path / "absent" / "out.lik", cover):
        with pytest.raises(OutputError):
            check_output(wrong, cover)
    assert cover.read_bytes() == b"original"


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    target = tmp_path / "out.lik"
    target.write_bytes(b"old")

    def full_disk(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        write_atomically(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["out.lik"]
    assert target.read_bytes() == b"old"


def test_whatever_a_decoder_raises_is_a_sentence(monkeypatch):
    def break_down(*arguments: object, **options: object) -> None:
        raise IndexError("inside a decoder")

    monkeypatch.setattr(Image, "open", break_down)
    with pytest.raises(PictureError, match="inside a decoder"):
        decode_picture(b"any", "photo.png")


def test_centre_takes_what_there_is():
    picture = np.arange(10 * 6 * 3).reshape(10, 6, 3)
    assert np.array_equal(centre(picture, 4), picture[3:7, 1:5])
    assert centre(picture, 20).shape == (10, 6, 3)
