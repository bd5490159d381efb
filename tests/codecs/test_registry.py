"""A codec is added with one line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

import latentink
from latentink import bundled as bundled_module
from latentink.bundled import bundled
from latentink.cli.main import app
from latentink.codecs.hyperprior.codec import HyperpriorCodec
from latentink.codecs.hyperprior.implementation import IMPLEMENTATION as HYPERPRIOR
from latentink.codecs.implementation import implementation_of
from latentink.codecs.importing import import_weights
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS, CodecSpec
from latentink.codecs.weights_file import FORMAT
from latentink.defaults import DEFAULT_CODEC
from latentink.errors import OptionError, WeightsError
from latentink.picture import decode_picture, encode_png
from latentink.tensor_files import write_safetensors
from photos import astronaut


class DarkCodec(HyperpriorCodec):
    """The hyperprior under another name."""


IMPLEMENTATION = replace(HYPERPRIOR, codec=DarkCodec, zoo=None)


@pytest.fixture
def dark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Register a third codec with weights of its own; return its name."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    for path in bundled_module.FOLDER.iterdir():
        (folder / path.name).symlink_to(path)
    weights = load_file(bundled("hyperprior"))
    weights["log_inverse"] = weights["log_inverse"] - 0.1
    metadata = {"format": FORMAT, "architecture": "dark"}
    monkeypatch.setattr("latentink.bundled.FOLDER", folder)
    write_safetensors(weights, metadata, bundled("dark"))
    monkeypatch.setenv("LATENTINK_WEIGHTS", str(tmp_path / "imported"))
    entropy_model = CODECS["hyperprior"].entropy_model
    spec = CodecSpec("dark", 200, f"{__name__}:IMPLEMENTATION", entropy_model)
    monkeypatch.setitem(CODECS, "dark", spec)
    return "dark"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_names_and_numbers_are_unique_and_fit_the_header() -> None:
    assert all(name == spec.name for name, spec in CODECS.items())
    numbers = [spec.number for spec in CODECS.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(1 <= number <= 255 for number in numbers)
    assert DEFAULT_CODEC in CODECS


@pytest.mark.parametrize("name", CODECS)
def test_each_codec_has_a_model_of_the_least_size(name: str) -> None:
    implementation = implementation_of(name)
    model = implementation.model(8, implementation.least_latent_channels, (1.0, 8.0))
    top = {network.split(".")[0] for network in model.networks()}
    assert {*top, "entropy_bottleneck"} == set(implementation.published.networks)


def test_the_table_and_the_command_line_load_without_pytorch() -> None:
    code = (
        "import sys, latentink.cli.main, latentink.codecs.registry; print('torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "False\n", ended.stderr


def test_a_third_codec_compresses(dark: str, tmp_path: Path) -> None:
    photo, out, png = tmp_path / "photo.png", tmp_path / "photo.lik", tmp_path / "out.png"
    cover = astronaut(height=128, width=128)
    photo.write_bytes(encode_png(cover))
    report = json.loads(run("compress", photo, "-o", out, "--codec", dark, "--json").stdout)
    assert report["codec"] == "dark"
    assert json.loads(run("inspect", out, "--json").stdout)["codec"] == 200
    run("decompress", out, "-o", png)
    made = decode_picture(png.read_bytes(), "out.png")
    plain = latentink.decompress(latentink.compress(cover).data)
    assert plain.mean() - made.mean() > 1  # Its smaller g' makes darker pictures.
    np.testing.assert_array_equal(made, latentink.decompress(out.read_bytes()))


def test_a_third_codec_carries_messages(dark: str, tmp_path: Path) -> None:
    photo, out = tmp_path / "photo.png", tmp_path / "photo.lik"
    photo.write_bytes(encode_png(astronaut(height=128, width=128)))
    message = ("-m", "by night", "-p", "x", "--channel", "latents")
    run("hide", photo, "-o", out, *message, "--codec", dark)
    assert run("reveal", out, "-p", "x").stdout == "by night"


def test_a_third_codec_is_named_wherever_codecs_are(dark: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="choose from hyperprior, elic, dark"):
        load_codec("vvc")
    with pytest.raises(OptionError, match="choose from hyperprior, elic, dark"):
        import_weights(bundled("dark"), codec="vvc")
    made = import_weights(bundled("dark"), codec="dark")
    assert load_codec("dark", made.path).entropy.fingerprint == made.fingerprint
    rows = json.loads(run("weights", "list", "--json").stdout)
    assert rows[-1]["codec"] == "dark"
