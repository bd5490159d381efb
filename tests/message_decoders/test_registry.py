"""Decoders come by name; a weights file is checked before it is believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from latentink.bundled import FOLDER, bundled
from latentink.errors import OutputError, WeightsError
from latentink.message_decoders.basic import BasicDecoder
from latentink.message_decoders.decoder_file import FORMAT, load_decoder, save_decoder
from latentink.message_decoders.dense import DenseDecoder
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.message_decoders.registry import (
    MESSAGE_DECODERS,
    MessageDecoderEntry,
    load_message_decoder,
    load_message_encoder,
    tried_by_receivers,
)
from latentink.methods.embedding import embed_random
from latentink.methods.entries import MethodOptions
from latentink.methods.registry import load_method
from photos import astronaut

METADATA = {"format": FORMAT, "architecture": "dense", "hidden": "4", "data_depth": "1"}


@pytest.mark.parametrize("decoder", [DenseDecoder(2, 4), BasicDecoder(3, 5)])
def test_a_saved_decoder_comes_back(decoder: DenseDecoder | BasicDecoder, tmp_path: Path) -> None:
    path = tmp_path / "decoder.safetensors"
    save_decoder(decoder, path, {"note": "from a test"})
    loaded = load_decoder(path)
    picture = torch.rand(1, 3, 20, 20)
    assert type(loaded) is type(decoder)
    assert torch.equal(loaded(picture), decoder.eval()(picture))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", MESSAGE_DECODERS)
def test_every_name_loads_and_reads_a_picture(name: str) -> None:
    decoder = load_message_decoder(name, b"key")
    assert decoder.name == name
    assert not decoder.training
    assert not any(p.requires_grad for p in decoder.parameters())
    places = 32 // decoder.stride, 40 // decoder.stride
    assert decoder(torch.rand(1, 3, 32, 40)).shape == (1, decoder.data_depth, *places)


DATA_DEPTHS = {
    **{"dense": 1, "dense2": 2, "dense3": 3, "dense4": 4, "robust": 1},
    **{"basic": 1, "basic2": 2, "basic3": 3, "basic4": 4},
}


def test_every_bundled_decoder_has_a_card_and_the_depth_of_its_name() -> None:
    files = {name: f"decoder_{name.rstrip('234')}_d{n}" for name, n in DATA_DEPTHS.items()}
    assert sorted(files.values()) == sorted(p.stem for p in FOLDER.glob("decoder_*.safetensors"))
    for name, file in files.items():
        assert load_decoder(bundled(file)).data_depth == DATA_DEPTHS[name]
        assert f"`--decoder {name}`" in bundled(file).with_suffix(".md").read_text(encoding="utf-8")


def test_every_bundled_encoder_belongs_to_a_message_decoder_of_its_depth() -> None:
    paired = [name for name, entry in MESSAGE_DECODERS.items() if entry.make_encoder]
    assert len(paired) == len(list(FOLDER.glob("encoder_*.safetensors")))
    for name in paired:
        assert load_message_encoder(name).data_depth == DATA_DEPTHS[name]


@pytest.mark.parametrize("name", DATA_DEPTHS)
def test_a_bundled_decoder_reads_a_photo_the_same_each_time_and_whatever_the_key(name: str) -> None:
    pixels = torch.from_numpy(astronaut(height=48, width=64)).permute(2, 0, 1)[None]
    picture = pixels.float() / 255
    decoder = load_message_decoder(name, b"key")
    logits = decoder(picture)
    assert logits.shape == (1, DATA_DEPTHS[name], 48, 64)
    assert logits.isfinite().all()
    assert torch.equal(decoder(picture), logits)
    assert torch.equal(load_message_decoder(name, b"other")(picture), logits)
    torch.testing.assert_close(decoder.planes(picture, 1), logits[:, :1])


@pytest.mark.parametrize("name", [name for name, depth in DATA_DEPTHS.items() if depth > 1])
def test_the_planes_of_a_bundled_decoder_are_different_codes(name: str) -> None:
    pixels = torch.from_numpy(astronaut(height=64, width=64)).permute(2, 0, 1)[None]
    planes = load_message_decoder(name, b"")(pixels.float() / 255)[0].flatten(1)
    for other in range(1, len(planes)):
        for plane in range(other):
            assert torch.cosine_similarity(planes[plane], planes[other], dim=0).abs() < 0.9


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(WeightsError, match="keyed"):
        load_message_decoder("nosuch", b"")
    with pytest.raises(WeightsError, match="for dense, dense2"):
        load_message_encoder("robust")


def test_receivers_try_message_decoders_in_a_fixed_order() -> None:
    assert tried_by_receivers() == (
        "periodic",
        "periodic64",
        "periodic128",
        "dense",
        "robust",
        "keyed",
    )


class BlueOverGreen(MessageDecoder):
    """A bit at each pixel: whether it has more blue than green."""

    def __init__(self) -> None:
        super().__init__("blue-over-green", data_depth=1, halo=0)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return 20 * (picture[:, 2:] - picture[:, 1:2])


def test_a_message_decoder_is_added_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = MessageDecoderEntry(lambda key: BlueOverGreen())
    monkeypatch.setitem(MESSAGE_DECODERS, "blue-over-green", entry)
    with pytest.raises(WeightsError, match="blue-over-green"):
        load_message_decoder("nosuch", b"")
    with pytest.raises(WeightsError, match="no encoder"):
        load_message_encoder("blue-over-green")
    assert not load_message_decoder("blue-over-green", b"").training
    method = load_method("fnns-png", MethodOptions(decoder="blue-over-green"))
    _, report = embed_random(method, np.full((24, 24, 3), 128, np.uint8), seed=1)
    assert report.raw_accuracy == 1


def rewritten(path: Path, metadata: dict[str, str] | None, drop: str = "") -> Path:
    """Save a small decoder, then change its metadata or drop a tensor."""
    save_decoder(DenseDecoder(1, 4), path)
    tensors = {name: tensor for name, tensor in load_file(path).items() if name != drop}
    save_file(tensors, path, metadata)
    return path


@pytest.mark.parametrize(
    ("metadata", "drop", "sentence"),
    [
        (None, "", "does not hold"),
        (METADATA | {"architecture": "huge"}, "", "'huge'"),
        (METADATA | {"hidden": "-3"}, "", "hidden"),
        (METADATA | {"data_depth": "1000000000000"}, "", "data_depth"),
        (METADATA | {"hidden": "8"}, "", "shape"),
        (METADATA, "conv1.0.weight", "conv1.0.weight"),
    ],
)
def test_foreign_metadata_is_refused(
    metadata: dict[str, str] | None, drop: str, sentence: str, tmp_path: Path
) -> None:
    path = rewritten(tmp_path / "x.safetensors", metadata, drop)
    with pytest.raises(WeightsError, match=sentence):
        load_decoder(path)


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    decoder = DenseDecoder(1, 4)
    with torch.no_grad():
        decoder.conv4[0].bias.fill_(float("nan"))
    save_decoder(decoder, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="not finite"):
        load_decoder(tmp_path / "x.safetensors")


def test_missing_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="There is no file"):
        load_decoder(tmp_path / "none.safetensors")
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(WeightsError, match="safetensors"):
        load_decoder(path)
    save_decoder(DenseDecoder(1, 4), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="safetensors"):
        load_decoder(path)


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        save_decoder(DenseDecoder(1, 4), tmp_path / "nowhere" / "x.safetensors")
