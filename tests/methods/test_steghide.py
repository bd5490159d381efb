from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from latentink.errors import MessageNotFoundError, OptionError
from latentink.methods import steghide
from latentink.methods.method import random_bits
from latentink.methods.saving import Jpeg
from latentink.methods.steghide import HEADER_BITS, Steghide, available
from photos import astronaut

needs_program = pytest.mark.skipif(not available(), reason="the program steghide is not installed")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder that temporary folders are made in."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@needs_program
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
@pytest.mark.parametrize("size", [(128, 128), (100, 75)])
@pytest.mark.parametrize("quality", [50, 90])
def test_bits_come_back_from_the_bytes(quality, size, subsampling, scratch):
    cover = astronaut(height=size[0], width=size[1])
    method = Steghide(Jpeg(quality, subsampling))
    bits = random_bits(method.bits_shape(cover), 1)
    stego = method.embed(cover, bits)
    np.testing.assert_array_equal(
        method.extract(method.load(stego.data)), np.where(bits == 1, 1, -1)
    )
    assert stego.picture.shape == cover.shape
    assert len(stego.data) == pytest.approx(len(method.plain(cover).data), rel=0.1)
    assert list(scratch.iterdir()) == []


@needs_program
@pytest.mark.parametrize("top", range(0, 128, 16))
def test_capacity_is_what_the_program_says_and_not_a_byte_less(top, tmp_path):
    cover, method = astronaut(top=top, height=64, width=64), Steghide()
    (count,) = method.bits_shape(cover)
    path = tmp_path / "cover.jpg"
    path.write_bytes(method.plain(cover).data)
    told = subprocess.run(
        ["steghide", "info", "-p", "any", str(path)], capture_output=True, text=True, check=False
    ).stdout
    capacity = float(re.search(r"capacity: ([\d.]+) Byte", told)[1])
    assert 0 <= 8 * (capacity + 1) - HEADER_BITS - count < 16
    assert _taken(path, count // 8)
    assert not _taken(path, count // 8 + 1)


def _taken(cover: Path, size: int) -> bool:
    message = cover.with_name("message.bin")
    message.write_bytes(np.random.default_rng(size).bytes(size))
    options = ["-sf", str(cover.with_name("stego.jpg")), "-p", "any", "-e", "none", "-Z", "-N"]
    done = subprocess.run(
        ["steghide", "embed", "-q", "-f", "-cf", str(cover), "-ef", str(message), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@needs_program
def test_another_passphrase_finds_nothing(scratch):
    cover, method = astronaut(height=64, width=64), Steghide()
    stego = method.embed(cover, random_bits(method.bits_shape(cover), 2))
    with pytest.raises(MessageNotFoundError, match="could not extract any data"):
        Steghide(passphrase="other").extract(stego)
    assert list(scratch.iterdir()) == []


@needs_program
def test_a_plain_or_recompressed_file_has_no_message():
    cover, method = astronaut(height=64, width=64), Steghide()
    with pytest.raises(MessageNotFoundError, match="finds no message"):
        method.extract(method.load(method.plain(cover).data))
    stego = method.embed(cover, random_bits(method.bits_shape(cover), 3))
    with pytest.raises(MessageNotFoundError, match="finds no message"):
        method.extract(method.load(Jpeg(75).encode(stego.picture)))


@needs_program
def test_a_picture_that_is_no_jpeg_has_no_message():
    from latentink.methods.saving import Png

    method = Steghide()
    data = Png().encode(astronaut(height=32, width=32) / np.float32(255))
    with pytest.raises(MessageNotFoundError, match="not supported"):
        method.extract(method.load(data))


def test_refuses_a_flat_cover():
    method, cover = Steghide(), np.full((32, 32, 3), 128, np.uint8)
    assert method.bits_shape(cover) == (0,)
    with pytest.raises(OptionError, match="too flat"):
        method.embed(cover, random_bits((0,), 0))


def test_refuses_another_number_of_bits():
    cover, method = astronaut(height=64, width=64), Steghide()
    (count,) = method.bits_shape(cover)
    with pytest.raises(OptionError, match="takes bits of shape"):
        method.embed(cover, random_bits((count + 8,), 0))


def test_a_missing_program_is_one_sentence(monkeypatch):
    monkeypatch.setattr(steghide.shutil, "which", lambda name: None)
    cover, method = astronaut(height=64, width=64), Steghide()
    assert not available()
    with pytest.raises(OptionError, match="package steghide"):
        method.embed(cover, random_bits(method.bits_shape(cover), 0))
