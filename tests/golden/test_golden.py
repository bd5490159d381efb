"""Files that earlier versions wrote are read by this one; experiments/golden_files.py made them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import latentink
from latentink.codecs.compression import decode_file
from latentink.codecs.file_coding import pack_latents
from latentink.input_files import read_toml

FOLDER = Path(__file__).parent
INDEX = read_toml(FOLDER / "golden.toml", "The index")


def test_each_file_is_in_the_index_and_they_are_small() -> None:
    files = sorted(FOLDER.glob("*.lik"))
    assert [file.stem for file in files] == sorted(INDEX)
    assert sum(file.stat().st_size for file in files) < 300_000


@pytest.mark.parametrize("name", INDEX)
def test_a_golden_file_gives_its_symbols_and_its_message(name: str) -> None:
    data, known = (FOLDER / f"{name}.lik").read_bytes(), INDEX[name]
    decoded = decode_file(data)
    latents = decoded.latents
    symbols = [np.ascontiguousarray(part, dtype="<i4").tobytes() for part in (latents.z, latents.y)]
    assert hashlib.sha256(b"".join(symbols)).hexdigest() == known["symbols"]
    assert decoded.size == (known["height"], known["width"])
    assert pack_latents(decoded.codec.entropy, latents, decoded.size) == data
    if known["message"]:
        assert latentink.reveal(data, password="golden") == known["message"].encode()
        return
    with pytest.raises(latentink.MessageNotFoundError):
        latentink.reveal(data, password="golden")
