"""Reads the official SteganoGAN checkpoints (``.steg``) without running anything in them.

A ``.steg`` file is a whole ``SteganoGAN`` object pickled by ``torch.save``. Loading it the usual
way needs the original package and executes whatever the file says. The unpickler here builds only
inert records, and only for names on a list. Only tensors are taken from the records, so attributes
of old torch versions do not matter. Both file formats of ``torch.save`` are read:

- before torch 1.6 (the published files): five pickles (magic, protocol, machine, object, storage
  keys), then for each key an int64 count and the raw values;
- since torch 1.6: a zip archive with ``data.pkl`` and one member ``data/<key>`` for each storage.

The published ``dense``, ``basic`` and ``residual`` checkpoints differ in their message encoder;
each holds a dense message decoder of hidden size 32 (data depth 8, 5 and 8).
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentink.errors import WeightsError, unfit_weights
from latentink.input_files import check_regular, read_input
from latentink.message_decoders.basic import BasicDecoder, BasicEncoder
from latentink.message_decoders.decoder_file import MAX_DATA_DEPTH, MAX_HIDDEN
from latentink.message_decoders.dense import DenseDecoder, DenseEncoder
from latentink.tensor_files import fill

MAX_FILE_BYTES = 1 << 28
MAX_NESTING = 8
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

ROOT = "steganogan.models.SteganoGAN"

DTYPES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
}

RECORDED = frozenset(
    {
        ROOT,
        "steganogan.encoders.BasicEncoder",
        "steganogan.encoders.ResidualEncoder",
        "steganogan.encoders.DenseEncoder",
        "steganogan.decoders.BasicDecoder",
        "steganogan.decoders.DenseDecoder",
        "steganogan.critics.BasicCritic",
        "torch.nn.modules.container.Sequential",
        "torch.nn.modules.conv.Conv2d",
        "torch.nn.modules.activation.LeakyReLU",
        "torch.nn.modules.activation.Tanh",
        "torch.nn.modules.batchnorm.BatchNorm2d",
        "torch.nn.backends.thnn._get_thnn_function_backend",
        "torch.optim.adam.Adam",
        "torch.device",
        "builtins.set",
        "__builtin__.set",
    }
)
"""Classes and functions for which a :class:`Record` stands in; they are never called."""

MAPPINGS = frozenset(
    {
        "collections.OrderedDict",
        "collections.defaultdict",
        "builtins.dict",
        "__builtin__.dict",
    }
)

MEMO_WRITES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})


@dataclass(frozen=True)
class SteganoGANNetworks:
    """The networks of a checkpoint, in evaluation mode and frozen.

    Attributes:
        encoder: The message encoder.
        decoder: The message decoder.
        hidden: Channels of the inner layers.
        data_depth: Bits at each pixel.
    """

    encoder: DenseEncoder | BasicEncoder
    decoder: DenseDecoder | BasicDecoder
    hidden: int
    data_depth: int


class Record:
    """Stands in for an object of the file; keeps the state that it was pickled with."""

    qualified = ""
    state: dict[str, Any]

    def __new__(cls, *arguments: object) -> Record:
        """Make an empty record here, because unpickling may skip ``__init__``."""
        record = super().__new__(cls)
        record.state = {}
        return record

    def __init__(self, *arguments: object) -> None:
        """Drop the arguments, which hold no tensors."""

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}

    def part(self, group: str) -> dict[str, Any]:
        """Return the dictionary ``group`` of the state; an empty one if there is none."""
        entries = self.state.get(group)
        return dict(entries) if isinstance(entries, dict) else {}


class Mapping(dict):
    """Stands in for every dictionary class; takes pairs, but never a factory."""

    def __init__(self, *arguments: object) -> None:
        super().__init__()
        if arguments and isinstance(arguments[0], list):
            self.update(dict(arguments[0]))

    def __setstate__(self, state: object) -> None:
        """Ignore attributes; entries are not among them."""


@dataclass(frozen=True)
class StorageKind:
    """The type of a storage's values."""

    dtype: torch.dtype


@dataclass(frozen=True)
class Storage:
    """A run of values in the file."""

    key: str
    dtype: torch.dtype
    count: int


@dataclass(frozen=True)
class TensorView:
    """A tensor of the file: a strided view of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_steg(path: Path) -> SteganoGANNetworks:
    """Return the message encoder and the message decoder of a SteganoGAN checkpoint.

    Nothing that the file names is imported or called.

    Args:
        path: A ``.steg`` file that any version of torch wrote.

    Raises:
        WeightsError: The file is missing, too large, truncated, no such checkpoint, or asks for a
            name that is not on the lists above; the message says which.
    """
    content = _read(path)
    if content[:2] == b"PK":
        root, values = _read_zip(path, content)
    else:
        root, values = _read_legacy(path, content)
    if not isinstance(root, Record) or root.qualified != ROOT:
        raise unfit_weights(f"{path} does not hold a SteganoGAN object")
    decoder_record = _member(path, root, "decoder")
    encoder_record = _member(path, root, "encoder")
    decoder_tensors = _tensors(path, decoder_record, values)
    encoder_tensors = _tensors(path, encoder_record, values)
    hidden, data_depth = _sizes(path, decoder_tensors)
    decoder = _decoder(path, decoder_record, hidden, data_depth)
    encoder = _encoder(path, encoder_record, hidden, data_depth)
    fill(decoder, decoder_tensors, f"{path}, decoder")
    fill(encoder, encoder_tensors, f"{path}, encoder")
    return SteganoGANNetworks(encoder, decoder, hidden, data_depth)


# ------------------------------------------------------------------------------- container


def _read(path: Path) -> bytes:
    check_regular(path, WeightsError)
    if path.stat().st_size > MAX_FILE_BYTES:
        raise unfit_weights(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB")
    return read_input(path, WeightsError)


def _read_legacy(path: Path, content: bytes) -> tuple[object, dict[str, Tensor]]:
    stream = io.BytesIO(content)
    storages: dict[str, Storage] = {}
    if _load(path, stream, storages) != MAGIC or _load(path, stream, storages) != PROTOCOL:
        raise unfit_weights(f"{path} is not a file of torch.save")
    machine = _load(path, stream, storages)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise WeightsError(f"{path} was written on a big-endian machine; save it again on another.")
    root = _load(path, stream, storages)
    keys = _load(path, stream, storages)
    if not isinstance(keys, list) or set(map(str, keys)) != storages.keys():
        raise unfit_weights(f"{path} does not list the storages that its object uses")
    values = {}
    for key in map(str, keys):
        head = stream.read(8)
        count = int.from_bytes(head, "little")
        if len(head) < 8 or count != storages[key].count:
            raise unfit_weights(f"{path} is truncated or damaged at storage {key}")
        raw = stream.read(count * storages[key].dtype.itemsize)
        values[key] = _values(path, storages[key], raw)
    return root, values


def _read_zip(path: Path, content: bytes) -> tuple[object, dict[str, Tensor]]:
    storages: dict[str, Storage] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
            if sum(info.file_size for info in members.values()) > MAX_FILE_BYTES:
                raise unfit_weights(f"{path} unpacks to more than {MAX_FILE_BYTES >> 20} MiB")
            root = _load(path, io.BytesIO(archive.read(members["data.pkl"])), storages)
            values = {
                key: _values(path, storage, archive.read(members[f"data/{key}"]))
                for key, storage in storages.items()
            }
    except (zipfile.BadZipFile, zlib.error, KeyError, RuntimeError, EOFError, OSError) as error:
        raise unfit_weights(f"{path} is a damaged archive: {error}") from error
    return root, values


def _values(path: Path, storage: Storage, raw: bytes) -> Tensor:
    if len(raw) != storage.count * storage.dtype.itemsize or not raw:
        raise unfit_weights(f"{path} is truncated or damaged at storage {storage.key}")
    return torch.frombuffer(bytearray(raw), dtype=storage.dtype)


# -------------------------------------------------------------------------------- unpickling


class InertUnpickler(pickle.Unpickler):
    """Builds records, mappings, tensor views and plain values; refuses every other name."""

    def __init__(self, path: Path, stream: io.BytesIO, storages: dict[str, Storage]) -> None:
        super().__init__(stream)
        self._path = path
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """Return the inert stand-in of ``module.name``."""
        qualified = f"{module}.{name}"
        if qualified in RECORDED:
            return type(name, (Record,), {"qualified": qualified})
        if qualified in MAPPINGS:
            return Mapping
        if qualified in DTYPES:
            return StorageKind(DTYPES[qualified])
        rebuild: dict[str, Callable[..., object]] = {
            "torch._utils._rebuild_tensor_v2": _view,
            "torch._utils._rebuild_parameter": _parameter,
        }
        if qualified in rebuild:
            return rebuild[qualified]
        raise WeightsError(f"{self._path} asks for {qualified}, which is refused; do not use it.")

    def persistent_load(self, pid: Any) -> object:
        """Return the class of a module, without its source text, or the storage meant."""
        match pid:
            case ("module", kind, *_):
                return kind
            case ("storage", StorageKind(dtype), str(key), str(), int(count), *metadata) if (
                0 < count <= MAX_FILE_BYTES and metadata in ([], [None])
            ):
                storage = Storage(key, dtype, count)
                if self._storages.setdefault(key, storage) == storage:
                    return storage
        raise unfit_weights(f"{self._path} refers to a storage in an unknown way")


def _view(
    storage: object, offset: object, shape: object, strides: object, *_: object
) -> TensorView:
    """Stand in for ``torch._utils._rebuild_tensor_v2``."""
    match storage, offset, shape, strides:
        case Storage(), int(), tuple(), tuple() if len(shape) == len(strides) <= 4 and all(
            type(n) is int and n >= 0 for n in (offset, *shape, *strides)
        ):
            return TensorView(storage, offset, shape, strides)
    raise pickle.UnpicklingError("a tensor is described in an unknown way")


def _parameter(data: object, *_: object) -> object:
    """Stand in for ``torch._utils._rebuild_parameter``."""
    return data


def _load(path: Path, stream: io.BytesIO, storages: dict[str, Storage]) -> object:
    """Unpickle the next object of ``stream`` into inert stand-ins."""
    start = stream.tell()
    # A hostile pickle may raise any exception; the caller gets one kind.
    try:
        _check_opcodes(stream)
        stream.seek(start)
        return InertUnpickler(path, stream, storages).load()
    except WeightsError:
        raise
    except Exception as error:
        raise unfit_weights(
            f"{path} is truncated or is no SteganoGAN checkpoint: {error}"
        ) from error


def _check_opcodes(stream: io.BytesIO) -> None:
    """Refuse memo slots far beyond the pickle's length, for which the unpickler would allocate."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if opcode.name in MEMO_WRITES and int(argument or 0) > count:
            raise pickle.UnpicklingError("a memo slot is out of order")


# ------------------------------------------------------------------------------- networks


def _member(path: Path, owner: Record, name: str) -> Record:
    member = owner.state.get(name) or owner.part("_modules").get(name)
    if not isinstance(member, Record):
        raise unfit_weights(f"{path} holds no {name}")
    return member


def _tensors(
    path: Path, module: Record, values: dict[str, Tensor], prefix: str = "", depth: int = 0
) -> dict[str, Tensor]:
    """Return the parameters and statistics of a recorded module by their dotted names."""
    if depth > MAX_NESTING:
        raise unfit_weights(f"{path} nests its modules too deeply")
    tensors = {}
    for name, view in {**module.part("_parameters"), **module.part("_buffers")}.items():
        if name != "num_batches_tracked" and isinstance(view, TensorView):
            tensors[f"{prefix}{name}"] = _tensor(path, view, values)
    for name, child in module.part("_modules").items():
        if isinstance(child, Record):
            tensors |= _tensors(path, child, values, f"{prefix}{name}.", depth + 1)
    return tensors


def _tensor(path: Path, view: TensorView, values: dict[str, Tensor]) -> Tensor:
    steps = zip(view.shape, view.strides, strict=True)
    end = view.offset + sum((length - 1) * stride for length, stride in steps) + 1
    if math.prod(view.shape) == 0 or max(end, math.prod(view.shape)) > view.storage.count:
        raise unfit_weights(f"{path} describes a tensor that reaches beyond its values")
    flat = values[view.storage.key]
    return torch.as_strided(flat, view.shape, view.strides, view.offset).float().clone()


def _sizes(path: Path, tensors: dict[str, Tensor]) -> tuple[int, int]:
    """Return hidden size and data depth from the first and the last convolution."""
    convolutions = [tensor for tensor in tensors.values() if tensor.ndim == 4]
    if not convolutions:
        raise unfit_weights(f"{path} holds a message decoder without convolutions")
    hidden, data_depth = convolutions[0].shape[0], convolutions[-1].shape[0]
    if hidden > MAX_HIDDEN or data_depth > MAX_DATA_DEPTH:
        raise unfit_weights(
            f"{path} holds a message decoder with {hidden} channels and {data_depth} bits at each "
            f"pixel; the limits are {MAX_HIDDEN} and {MAX_DATA_DEPTH}"
        )
    return hidden, data_depth


def _decoder(
    path: Path, record: Record, hidden: int, data_depth: int
) -> DenseDecoder | BasicDecoder:
    match record.qualified:
        case "steganogan.decoders.DenseDecoder":
            return DenseDecoder(data_depth, hidden)
        case "steganogan.decoders.BasicDecoder":
            return BasicDecoder(data_depth, hidden)
    raise unfit_weights(f"{path} holds a {record.qualified} where the decoder belongs")


def _encoder(
    path: Path, record: Record, hidden: int, data_depth: int
) -> DenseEncoder | BasicEncoder:
    match record.qualified:
        case "steganogan.encoders.DenseEncoder":
            return DenseEncoder(data_depth, hidden)
        case "steganogan.encoders.BasicEncoder":
            return BasicEncoder(data_depth, hidden)
        case "steganogan.encoders.ResidualEncoder":
            return BasicEncoder(data_depth, hidden, residual=True)
    raise unfit_weights(f"{path} holds a {record.qualified} where the encoder belongs")
