"""``--codec`` and ``--weights`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from latentink.cli.main import app
from latentink.codecs.hyperprior.networks import HyperpriorNetworks
from latentink.picture import decode_picture, encode_png
from photos import astronaut


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTINK_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    path = tmp_path / "cover.png"
    path.write_bytes(encode_png(astronaut(height=96, width=128)))
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint in the zoo's format and size, untrained."""
    torch.manual_seed(0)
    path = tmp_path / "bmshj2018-hyperprior-3.pth.tar"
    torch.save(HyperpriorNetworks(128, 192).state_dict(), path)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_elic_hides_and_reveals(tmp_path):
    cover, out, png = tmp_path / "cover.png", tmp_path / "o.lik", tmp_path / "o.png"
    cover.write_bytes(encode_png(astronaut(height=160, width=160)))
    how = ("--codec", "elic", "--channel", "pixels", "--preset", "fast")
    hidden = run("hide", cover, "-o", out, "-m", "over", "-p", "x", *how)
    assert hidden.exit_code == 0, hidden.output
    assert run("reveal", out, "-p", "x").stdout == "over"
    assert run("decompress", out, "-o", png).exit_code == 0
    assert run("reveal", png, "-p", "x").stdout == "over"
    assert run("capacity", cover, "--codec", "elic", "--json").exit_code == 0


def test_a_checkpoint_as_weights_is_imported_and_found_again(cover, checkpoint, tmp_path):
    out, png = tmp_path / "o.lik", tmp_path / "o.png"
    made = run("compress", cover, "-o", out, "--weights", checkpoint, "--quality", "3")
    assert made.exit_code == 0, made.output
    assert run("decompress", out, "-o", png).exit_code == 0
    assert decode_picture(png.read_bytes(), "o.png").shape == (96, 128, 3)
    wrong = run("compress", cover, "-o", out, "--weights", checkpoint, "--quality", "9")
    assert wrong.exit_code == 2


def test_weights_in_no_usual_place_must_be_named(cover, checkpoint, tmp_path):
    own, out, png = tmp_path / "own.safetensors", tmp_path / "o.lik", tmp_path / "o.png"
    imported = run(
        "weights", "import", checkpoint, "--codec", "hyperprior", "--quality", "3", "-o", own
    )
    assert imported.exit_code == 0, imported.output
    made = run("compress", cover, "-o", out, "--weights", own, "--quality", "3", "--json")
    assert json.loads(made.stdout)["codec"] == "hyperprior"
    lost = run("decompress", out, "-o", png)
    assert lost.exit_code == 2
    assert "latentink weights import" in lost.stderr
    assert run("decompress", out, "-o", png, "--weights", own).exit_code == 0
    picture = decode_picture(png.read_bytes(), "o.png")
    assert np.ptp(picture) > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--codec", "elic", "--quality", "3"), "not a checkpoint of elic"),
        (("--codec", "vvc"), "no codec 'vvc'"),
        (("--codec", "hyperprior", "--quality", "0"), "from 1 to 8"),
    ],
)
def test_a_checkpoint_that_does_not_serve(checkpoint, arguments, says):
    result = run("weights", "import", checkpoint, *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_weights_of_another_codec_or_a_missing_file(cover, checkpoint, tmp_path):
    own = tmp_path / "own.safetensors"
    run("weights", "import", checkpoint, "--codec", "hyperprior", "-o", own)
    for weights, codec, says in (
        (own, "elic", "not of elic"),
        (tmp_path / "none.safetensors", "hyperprior", "There is no file"),
        (tmp_path / "none.pth.tar", "hyperprior", "There is no file"),
    ):
        out = tmp_path / "o.lik"
        result = run("compress", cover, "-o", out, "--weights", weights, "--codec", codec)
        assert result.exit_code == 2, result.output
        assert says in result.stderr
        assert not out.exists()
