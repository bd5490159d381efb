"""What is no file, or no TOML, is a sentence and costs no time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import latentink
from latentink.benchmark.config import read_config
from latentink.benchmark.store import Results
from latentink.cli.password import read_password
from latentink.errors import OptionError, PictureError, WeightsError
from latentink.input_files import read_input, read_toml
from latentink.tensor_files import read_checkpoint, read_safetensors


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_devices_pipes_and_folders_are_refused(pipe: Path, tmp_path: Path) -> None:
    for path, says in (
        (Path("/dev/zero"), "device or a pipe"),
        (pipe, "device or a pipe"),
        (tmp_path, "is a folder"),
        (tmp_path / "absent", "no file"),
        (tmp_path / "nul\0byte", "cannot be read"),
    ):
        for read, error in (
            (lambda p: read_input(p, OptionError), OptionError),
            (latentink.reveal, PictureError),
            (lambda p: read_toml(p, "The recipe"), OptionError),
            (read_safetensors, WeightsError),
            (read_checkpoint, WeightsError),
            (lambda p: latentink.compress(tmp_path / "x.png", weights=p), latentink.LatentinkError),
        ):
            with pytest.raises(error) as caught:
                read(path)
            if error is not latentink.LatentinkError:
                assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a=" + 5000 * "[" + 5000 * "]", "nested too deeply"),
        ("seed=" + 5000 * "9", "not TOML"),
        ("a=\xff", "not TOML"),
        ("a=", "not TOML"),
        ('methods=["sys:exit"]\n[datasets.k]\nfolder="."\ncrop=64\ncount=1', "SystemExit"),
        ('methods=["lsb-matching"]\n[datasets.k]\nfolder="~nosuchuser/x"', "no such user"),
    ],
)
def test_configurations_of_a_stranger(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bench.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OptionError, match=says):
        read_config(path)


def test_a_file_of_results_with_an_altered_byte_is_a_sentence_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    Results(path).close()
    data = path.read_bytes()
    for place in range(100, len(data), max(1, len(data) // 300)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            with Results(path, create=False) as results:
                results.present()
        except latentink.LatentinkError:
            continue


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"\xef\xbb\xbftide\r\n", "tide"),
        (b"tide\nnot this\n", "tide"),
        ("ti\u2028de\x0cx\n".encode(), "ti\u2028de\x0cx"),
        (b"tide", "tide"),
        (b" tide \n", " tide "),
    ],
)
def test_a_password_is_the_files_first_line_as_it_is(
    tmp_path: Path, content: bytes, password: str
) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    assert read_password(None, path, False, twice=False) == password


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf\r\n", b"\xff\n", b"x" * 70_000])
def test_a_file_without_a_password_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    with pytest.raises(OptionError, match="password file"):
        read_password(None, path, False, twice=False)
    with pytest.raises(OptionError, match="too long"):
        read_password(None, Path("/dev/zero"), False, twice=False)
