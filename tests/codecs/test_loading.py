"""Codecs by name, and the weights that a file names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from latentink.bundled import bundled
from latentink.codecs.loading import codec_of_file, fingerprint_of, load_codec, weights_folder
from latentink.codecs.registry import CODECS
from latentink.errors import WeightsError
from latentink.tensor_files import read_safetensors, write_safetensors


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTINK_WEIGHTS", str(tmp_path / "weights"))


def other_weights(path: Path) -> Path:
    """Write weights of the hyperprior with another fingerprint than the bundled ones."""
    tensors, metadata = read_safetensors(bundled("hyperprior"))
    path.parent.mkdir(exist_ok=True)
    write_safetensors(tensors, {**metadata, "note": "copied"}, path)
    return path


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_says_which_one_it_is(name: str) -> None:
    codec = load_codec(name)
    assert codec.name == name
    assert codec.spec is CODECS[name]
    assert codec.entropy.fingerprint == fingerprint_of(bundled(name))
    assert codec_of_file(codec.spec.number, codec.entropy.fingerprint) is codec


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no codec 'vvc'; choose from hyperprior, elic"):
        load_codec("vvc")
    with pytest.raises(WeightsError, match="There is no file"):
        load_codec("elic", tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="holds weights of hyperprior, not of elic"):
        load_codec("elic", bundled("hyperprior"))
    with pytest.raises(WeightsError, match="something else than a codec"):
        load_codec("elic", bundled("decoder_dense_d1"))
    foreign = tmp_path / "foreign.safetensors"
    write_safetensors({}, {"format": "latentink codec 2", "architecture": "vvc"}, foreign)
    with pytest.raises(WeightsError, match="unknown codec, 'vvc'"):
        load_codec("elic", foreign)


def test_a_file_finds_its_weights_where_they_lie(tmp_path: Path) -> None:
    named = other_weights(tmp_path / "named" / "own.safetensors")
    fingerprint = fingerprint_of(named)
    with pytest.raises(WeightsError, match=f"fingerprint {fingerprint.hex()}.*weights import"):
        codec_of_file(1, fingerprint)
    assert codec_of_file(1, fingerprint, named).entropy.fingerprint == fingerprint
    weights_folder().mkdir()
    shutil.move(named, weights_folder())
    assert codec_of_file(1, fingerprint).entropy.fingerprint == fingerprint
    with pytest.raises(WeightsError, match="codec number 99, unknown here"):
        codec_of_file(99, fingerprint)
