"""Published checkpoints, made here in their format and size, import and decode or are refused."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import latentink
from latentink.codecs import importing
from latentink.codecs.hyperprior.networks import HyperpriorNetworks
from latentink.codecs.importing import find_weights, import_weights, zoo_weights
from latentink.codecs.loading import load_codec, weights_folder
from latentink.errors import OptionError, WeightsError
from latentink.picture import to_tensor
from photos import astronaut
from published_checkpoints import chandelier_elic, lively, under_old_names, write


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTINK_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture(scope="module")
def hyperprior_state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    model = lively(HyperpriorNetworks(128, 192))
    return model.state_dict()


@pytest.mark.parametrize("size", [(128, 192), (192, 320)])
def test_both_sizes_of_the_hyperprior_make_a_file_that_decodes(tmp_path, size):
    torch.manual_seed(0)
    source = write(lively(HyperpriorNetworks(*size)).state_dict(), tmp_path / "zoo-6.pth.tar")
    made = import_weights(source, codec="hyperprior", quality=6)
    assert made.path.parent == weights_folder()
    result = latentink.compress(
        astronaut(height=64, width=80), codec="hyperprior", weights=made.path, quality=6
    )
    # The receiver finds the weights by fingerprint in the user's folder.
    np.testing.assert_array_equal(latentink.decompress(result.data), result.picture)


def test_the_imported_hyperprior_is_the_checkpoint(tmp_path, hyperprior_state):
    source = write(hyperprior_state, tmp_path / "q3.pth.tar")
    codec = load_codec("hyperprior", import_weights(source, codec="hyperprior", quality=3).path)
    model = HyperpriorNetworks(128, 192)
    model.load_state_dict(hyperprior_state)
    picture = to_tensor(astronaut(height=64, width=64))
    code = codec.quality_code(3)
    with torch.no_grad():
        y = model.g_a(picture)
        torch.testing.assert_close(codec.analyse(picture, code), y)
        rounded = torch.round(y)
        expected = model.g_s(rounded).clamp(0, 1)
    made = codec.synthesise(rounded[0].numpy(), code, (64, 64))
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)
    assert codec.lagrangian(code) == pytest.approx(0.0067)


def test_old_and_new_names_give_the_same_weights(tmp_path, hyperprior_state):
    new = import_weights(
        write(hyperprior_state, tmp_path / "new.pth.tar"), codec="hyperprior", quality=3
    )
    wrapped = {"state_dict": under_old_names(hyperprior_state), "epoch": 4}
    old = import_weights(write(wrapped, tmp_path / "old.pth.tar"), codec="hyperprior", quality=3)
    for name, tensor in load_tensors(new.path).items():
        assert torch.equal(tensor, load_tensors(old.path)[name]), name


def test_an_import_replaces_no_other_of_the_same_name(tmp_path, hyperprior_state):
    paths = set()
    for quality in (3, 4):
        source = write(hyperprior_state, tmp_path / "ELIC_0.016.pth.tar")
        paths.add(import_weights(source, codec="hyperprior", quality=quality).path)
    assert len(paths) == 2
    assert all(path.name.startswith("ELIC_0.016-") and path.exists() for path in paths)


def load_tensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def test_a_truncated_checkpoint_is_refused(tmp_path, hyperprior_state):
    source = write(hyperprior_state, tmp_path / "cut.pth.tar")
    source.write_bytes(source.read_bytes()[:-5000])
    with pytest.raises(WeightsError, match="truncated or damaged"):
        import_weights(source, codec="hyperprior")


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("trap-sprung",))


def test_a_checkpoint_with_code_is_refused_and_not_run(tmp_path, monkeypatch, hyperprior_state):
    monkeypatch.chdir(tmp_path)
    source = write({**hyperprior_state, "x": Trap()}, tmp_path / "trap.pth.tar")
    with pytest.raises(WeightsError, match="more than tensors"):
        import_weights(source, codec="hyperprior")
    assert not (tmp_path / "trap-sprung").exists()


def test_another_architecture_names_the_first_mismatch(tmp_path, hyperprior_state):
    hyper = write(hyperprior_state, tmp_path / "hyper.pth.tar")
    with pytest.raises(WeightsError, match="no tensors 'channel_context'"):
        import_weights(hyper, codec="elic")
    elic = write(chandelier_elic().state_dict(), tmp_path / "elic.pth.tar")
    with pytest.raises(WeightsError, match=r"surplus tensor 'channel_context\.1\.0\.weight'"):
        import_weights(elic, codec="hyperprior")


def test_another_size_names_the_first_mismatch(tmp_path, hyperprior_state):
    state = dict(hyperprior_state)
    state["g_a.2.weight"] = state["g_a.2.weight"][:100]
    source = write(state, tmp_path / "odd.pth.tar")
    with pytest.raises(WeightsError, match=r"g_a: tensor '2\.weight' has the shape \(100, "):
        import_weights(source, codec="hyperprior")
    assert not list(weights_folder().glob("*"))


def test_values_that_are_not_finite_are_refused(tmp_path, hyperprior_state):
    state = dict(hyperprior_state)
    state["h_s.0.weight"] = state["h_s.0.weight"] * float("nan")
    with pytest.raises(WeightsError, match="not finite"):
        import_weights(write(state, tmp_path / "nan.pth.tar"), codec="hyperprior")


def test_an_entry_that_is_no_tensor_is_named(tmp_path):
    with pytest.raises(WeightsError, match="'epoch'"):
        import_weights(write({"epoch": 3}, tmp_path / "e.pth.tar"), codec="hyperprior")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}", folder
        running.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def serve_as_third(monkeypatch, address: str, checksum: str) -> str:
    """Let the zoo be at ``address``; return the name of the hyperprior for quality 3 there."""
    model = "bmshj2018-hyperprior"
    checksums = list(importing.ZOO_CHECKSUMS[model])
    checksums[2] = checksum
    monkeypatch.setattr(importing, "ZOO", address)
    monkeypatch.setitem(importing.ZOO_CHECKSUMS, model, tuple(checksums))
    return f"{model}-3-{checksum}.pth.tar"


def test_the_zoo_is_downloaded_once_and_checked(server, monkeypatch, hyperprior_state):
    address, folder = server
    source = write(hyperprior_state, folder / "x")
    name = serve_as_third(monkeypatch, address, sha256(source.read_bytes()).hexdigest()[:8])
    source.rename(folder / name)
    path = zoo_weights("hyperprior", 3)
    assert load_codec("hyperprior", path).qualities == [3]
    (folder / name).unlink()
    assert find_weights("zoo", "hyperprior", 3) == path
    assert [p.name for p in weights_folder().iterdir()] == [path.name]


def test_a_download_that_fails_says_so_and_leaves_nothing(server, monkeypatch):
    address, folder = server
    name = serve_as_third(monkeypatch, address, "00000000")
    with pytest.raises(WeightsError, match="cannot be downloaded"):
        zoo_weights("hyperprior", 3)
    (folder / name).write_bytes(b"something else")
    with pytest.raises(WeightsError, match="cannot be downloaded"):
        zoo_weights("hyperprior", 3)
    assert not list(weights_folder().iterdir())


def test_what_the_zoo_does_not_have(tmp_path):
    with pytest.raises(OptionError, match="whole numbers"):
        zoo_weights("hyperprior", 3.5)
    with pytest.raises(OptionError, match="it has those of hyperprior"):
        find_weights("zoo", "elic", 3)
    with pytest.raises(OptionError, match="There is no codec 'webp'"):
        find_weights("zoo", "webp", 3)


@pytest.mark.parametrize(
    "change",
    [
        {"channels": None},
        {"channels": 2.5},
        {"channels": 10**9},
        {"latent_channels": 0},
        {"qualities": []},
        {"qualities": [3, 2]},
        {"qualities": ["5"]},
        {"qualities": 5},
    ],
)
def test_a_damaged_checkpoint_of_a_run_is_refused(tmp_path, change):
    recipe = {"architecture": "hyperprior", "channels": 8, "latent_channels": 8, "qualities": [5]}
    model = {"x": torch.zeros(1)}
    source = write({"recipe": recipe | change, "model": model}, tmp_path / "run.pt")
    with pytest.raises(WeightsError, match="is damaged"):
        import_weights(source, codec="hyperprior")
    source = write({"recipe": recipe, "model": model}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="does not fit its own recipe"):
        import_weights(source, codec="hyperprior")
