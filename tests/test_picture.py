from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from latentink.errors import OutputError, PictureError
from latentink.picture import (
    centre,
    check_output,
    decode_both_ways,
    decode_cover,
    decode_picture,
    encode_png,
    read_picture,
    to_picture,
    to_tensor,
    write_atomically,
)
from photos import astronaut
from profiles import red_is_green


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


def opaque_kinds() -> dict[str, bytes]:
    """The photo in files with an alpha channel or a transparent colour that hides nothing."""
    photo = Image.fromarray(astronaut())
    # The palette has a colour more than the photo uses.
    palette = photo.quantize(16)
    return {
        "RGBA": saved(photo.convert("RGBA")),
        "LA": saved(photo.convert("LA")),
        "PA": saved(photo.convert("RGBA"), "WEBP", lossless=True),
        "P": saved(palette, transparency=bytes([255] * 16 + [0])),
        "RGB": saved(photo, transparency=(1, 254, 3)),
        "RGBA in TIFF": saved(photo.convert("RGBA"), "TIFF"),
    }


@pytest.mark.parametrize("kind", opaque_kinds())
def test_an_opaque_alpha_channel_is_dropped(kind):
    data = opaque_kinds()[kind]
    expected = {
        "LA": Image.fromarray(astronaut()).convert("L").convert("RGB"),
        "P": Image.fromarray(astronaut()).quantize(16).convert("RGB"),
    }.get(kind, astronaut())
    cover = decode_cover(data, "p")
    np.testing.assert_array_equal(cover.pixels, expected)
    assert cover.converted == ""
    np.testing.assert_array_equal(decode_picture(data, "p"), expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_cover_that_lets_something_through_is_refused_and_a_receiver_does_not_care(mode):
    photo = Image.fromarray(astronaut()).convert(mode)
    photo.putalpha(Image.linear_gradient("L"))
    with pytest.raises(PictureError, match=r"p\.png is partly transparent .* flatten it"):
        decode_cover(saved(photo), "p.png")
    colours = Image.fromarray(astronaut()).convert(mode[:-1]).convert("RGB")
    np.testing.assert_array_equal(decode_picture(saved(photo), "p.png"), colours)


def test_a_transparent_colour_that_is_used_is_refused():
    palette = Image.fromarray(astronaut()).quantize(8)
    deep = Image.fromarray(astronaut()[..., 0].astype(np.uint16) * 257)
    seen = int(np.asarray(deep)[0, 0])
    for data in (saved(palette, transparency=0), saved(deep, transparency=seen)):
        with pytest.raises(PictureError, match="transparent"):
            decode_cover(data, "p.png")
        assert decode_picture(data, "p.png").shape == (256, 256, 3)


def test_both_ways_are_the_pixels_as_shown_and_as_stored():
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = astronaut(height=64, width=96)
    upright, stored = decode_both_ways(saved(Image.fromarray(photo), exif=exif), "turned")
    np.testing.assert_array_equal(upright, np.rot90(photo, -1))
    np.testing.assert_array_equal(stored, photo)
    assert len(decode_both_ways(encode_png(photo), "as it was")) == 1


def test_sixteen_bits_are_said():
    deep = Image.fromarray(astronaut()[..., 0].astype(np.uint16) * 257)
    for kind in ("PNG", "TIFF"):
        cover = decode_cover(saved(deep, kind), "deep")
        np.testing.assert_array_equal(cover.pixels[..., 1], astronaut()[..., 0])
        assert cover.converted == "deep: its 16-bit values were rounded to 8 bits."


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_thirty_two_bits_are_refused(kind):
    data = saved(Image.fromarray(astronaut()[..., 0].astype(kind)), "TIFF")
    for decode in (decode_cover, decode_picture):
        with pytest.raises(PictureError, match="32 bits a value; save it"):
            decode(data, "p.tif")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_colours_of_a_cover_become_srgb_and_those_of_a_stego_stay(file_format):
    plain = saved(Image.fromarray(astronaut()), file_format)
    data = saved(Image.fromarray(astronaut()), file_format, icc_profile=red_is_green())
    cover, stored = decode_cover(data, "p"), decode_picture(plain, "p")
    off = np.abs(cover.pixels.astype(int) - stored[..., [1, 0, 2]])
    assert off.max() <= 2
    assert cover.converted == "p: its colours were converted from its own profile to sRGB."
    np.testing.assert_array_equal(decode_picture(data, "p"), stored)


def test_too_small_is_refused():
    with pytest.raises(PictureError, match="at least 16×16"):
        decode_picture(saved(Image.fromarray(astronaut(height=15, width=40))), "p.png")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_read():
    photo = astronaut()
    back = decode_picture(saved(Image.fromarray(photo), "AVIF"), "p.avif")
    assert np.abs(back.astype(int) - photo).mean() < 5


def test_a_pillow_without_avif_reads_the_rest(monkeypatch):
    monkeypatch.setattr(features, "check", lambda feature: False)
    assert decode_picture(saved(Image.fromarray(astronaut())), "p.png").shape == (256, 256, 3)
    with pytest.raises(PictureError, match="not a picture that can be read"):
        decode_picture(b"\0\0\0\x1cftypavif" + bytes(16), "p.avif")


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
    for wrong in (tmp_path, tmp_path / "absent" / "out.lik", cover, Path("-")):
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
