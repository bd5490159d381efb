"""The importer takes tensors from .steg files and runs nothing that they name."""

from __future__ import annotations

import collections
import os
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path

import pytest
import skimage.data
import torch
from torch import nn

from latentink.errors import WeightsError
from latentink.message_decoders.basic import BasicDecoder, BasicEncoder
from latentink.message_decoders.dense import DenseDecoder, DenseEncoder
from latentink.message_decoders.steg_checkpoint import MAGIC, PROTOCOL, read_steg

OFFICIAL = Path(__file__).parents[2].parent / "shared" / "weights" / "steganogan"

# The classes of the fixture have no source file for torch.save to note.
pytestmark = pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")

ENCODERS = {
    "DenseEncoder": lambda: DenseEncoder(2, 4),
    "BasicEncoder": lambda: BasicEncoder(2, 4),
    "ResidualEncoder": lambda: BasicEncoder(2, 4, residual=True),
}
DECODERS = {
    "DenseDecoder": lambda: DenseDecoder(2, 4),
    "BasicDecoder": lambda: BasicDecoder(2, 4),
}


class Published:
    """Pickles as the original package's classes do, without the package."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        package = types.ModuleType("steganogan")
        package.__path__ = []
        monkeypatch.setitem(sys.modules, "steganogan", package)

    def kind(self, module: str, name: str, base: type = nn.Module) -> type:
        made = type(name, (base,), {"__module__": module})
        holder = sys.modules.get(module) or types.ModuleType(module)
        setattr(holder, name, made)
        self._monkeypatch.setitem(sys.modules, module, holder)
        return made

    def network(self, module: str, name: str, ours: nn.Module) -> nn.Module:
        theirs = self.kind(f"steganogan.{module}", name)()
        for child, layers in ours.named_children():
            theirs.add_module(child, layers)
        return theirs

    def save(self, path: Path, encoder: str, decoder: str, zipped: bool) -> tuple[nn.Module, ...]:
        torch.manual_seed(3)
        ours = ENCODERS[encoder](), DECODERS[decoder]()
        model = self.kind("steganogan.models", "SteganoGAN", object)()
        model.data_depth = 2
        model.encoder = self.network("encoders", encoder, ours[0])
        model.decoder = self.network("decoders", decoder, ours[1])
        model.device = torch.device("cpu")
        model.history = collections.defaultdict(dict)
        torch.save(model, path, _use_new_zipfile_serialization=zipped)
        return tuple(network.eval() for network in ours)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    return Published(monkeypatch)


@pytest.mark.parametrize("zipped", [False, True], ids=["legacy", "zip"])
@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        ("DenseEncoder", "DenseDecoder"),
        ("ResidualEncoder", "DenseDecoder"),
        ("BasicEncoder", "BasicDecoder"),
    ],
)
def test_the_networks_compute_what_the_saved_ones_did(
    encoder: str, decoder: str, zipped: bool, published: Published, tmp_path: Path
) -> None:
    path = tmp_path / "x.steg"
    ours = published.save(path, encoder, decoder, zipped)
    read = read_steg(path)
    picture, bits = torch.rand(1, 3, 20, 20), torch.ones(1, 2, 20, 20)
    assert (read.hidden, read.data_depth) == (4, 2)
    assert torch.equal(read.encoder(picture, bits), ours[0](picture, bits))
    assert torch.equal(read.decoder(picture), ours[1](picture))
    assert not any(p.requires_grad for p in read.decoder.parameters())


class Bomb:
    """Creates a file when it is unpickled by an ordinary unpickler."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.path}",)


def legacy(root: bytes, keys: bytes = b"") -> bytes:
    """Return a legacy torch.save file around an object already pickled."""
    machine = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {}}
    heads = [pickle.dumps(part, protocol=2) for part in (MAGIC, PROTOCOL, machine)]
    return b"".join(heads) + root + (keys or pickle.dumps([], protocol=2))


@pytest.mark.parametrize("place", ["alone", "first", "object", "zip"])
def test_a_pickle_that_runs_a_command_is_refused_unrun(place: str, tmp_path: Path) -> None:
    fired, path = tmp_path / "fired", tmp_path / "x.steg"
    bomb = pickle.dumps({"decoder": Bomb(fired)}, protocol=2)
    if place == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", bomb)
    else:
        path.write_bytes({"alone": bomb, "first": bomb + bomb, "object": legacy(bomb)}[place])
    with pytest.raises(WeightsError, match=r"asks for (posix|nt|os)\.system, which is refused"):
        read_steg(path)
    assert not fired.exists()
    pickle.loads(bomb)
    assert fired.exists(), "the fixture is harmless and proves nothing"


@pytest.mark.parametrize(
    "name",
    [b"builtins\neval", b"builtins\ngetattr", b"torch\nload", b"torch.nn.modules.conv\n__import__"],
)
def test_names_beyond_the_list_are_named_in_the_refusal(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.steg"
    path.write_bytes(legacy(b"\x80\x02c" + name + b"\n."))
    with pytest.raises(WeightsError, match=name.replace(b"\n", b"\\.").decode()):
        read_steg(path)


def test_every_truncation_is_a_sentence(published: Published, tmp_path: Path) -> None:
    path = tmp_path / "x.steg"
    for zipped in (False, True):
        published.save(path, "DenseEncoder", "DenseDecoder", zipped)
        content = path.read_bytes()
        for length in [*range(0, len(content), len(content) // 40), len(content) - 1]:
            path.write_bytes(content[:length])
            with pytest.raises(WeightsError, match=r"x\.steg"):
                read_steg(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"PK\x03\x04 no archive",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        pickle.dumps(MAGIC, protocol=2) * 3,
        legacy(pickle.dumps([1, 2], protocol=2)),
        # LONG_BINPUT into slot 4294967295: the C unpickler would allocate 64 GiB for its memo.
        legacy(b"\x80\x02Nr\xff\xff\xff\xff."),
        # A storage of 2^40 values in a file of a few bytes.
        legacy(
            b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000"
            b"X\x03\x00\x00\x00cpu\x8a\x06" + struct.pack("<q", 1 << 40)[:6] + b"NtQ."
        ),
    ],
    ids=["empty", "text", "zip", "png", "magic", "list", "memo", "storage"],
)
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.steg"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"x\.steg"):
        read_steg(path)


def test_huge_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.steg"):
        read_steg(tmp_path / "none.steg")
    path = tmp_path / "huge.steg"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(WeightsError, match="256 MiB"):
        read_steg(path)


def test_a_tensor_beyond_its_storage_is_refused(published: Published, tmp_path: Path) -> None:
    path = tmp_path / "x.steg"
    published.save(path, "DenseEncoder", "DenseDecoder", False)
    content = path.read_bytes()
    # The first kernel's shape (4, 3, 3, 3) becomes (255, 3, 3, 3); its storage stays.
    shape = b"(K\x04K\x03K\x03K\x03t"
    assert shape in content
    path.write_bytes(content.replace(shape, b"(K\xffK\x03K\x03K\x03t", 1))
    with pytest.raises(WeightsError, match="beyond its values"):
        read_steg(path)


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason=f"no official checkpoints in {OFFICIAL}")
@pytest.mark.parametrize(
    ("name", "data_depth", "accuracy"),
    [("dense", 8, 0.75), ("basic", 5, 0.80), ("residual", 8, 0.70)],
)
def test_official_checkpoints_hide_bits_in_a_photo(
    name: str, data_depth: int, accuracy: float
) -> None:
    read = read_steg(OFFICIAL / f"{name}.steg")
    assert isinstance(read.decoder, DenseDecoder)
    assert (read.hidden, read.data_depth) == (32, data_depth)
    pixels = torch.from_numpy(skimage.data.astronaut()[100:356, 100:356].copy())
    photo = pixels.permute(2, 0, 1)[None].float() / 255
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(2, (1, data_depth, 256, 256), generator=generator).float()
    stego = read.encoder(photo, bits).clamp(0, 1).mul(255).round().div(255)
    right = (read.decoder(stego) > 0) == (bits > 0.5)
    # Published at these depths: dense 0.82 at depth 6 on DIV2K (Table 1 of the paper).
    assert right.float().mean() > accuracy
    assert (stego - photo).pow(2).mean() < 10**-2.8
