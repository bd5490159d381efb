from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentink.container import OVERHEAD_BYTES, LikFile, digest_symbols, pack, unpack
from latentink.errors import ContainerError

files = st.builds(
    LikFile,
    codec_number=st.integers(0, 255),
    fingerprint=st.binary(min_size=8, max_size=8),
    height=st.integers(1, 8000),
    width=st.integers(1, 8000),
    quality_code=st.integers(0, 65535),
    symbols_digest=st.binary(min_size=8, max_size=8),
    z_stream=st.binary(max_size=60),
    y_stream=st.binary(max_size=60),
)

EXAMPLE = LikFile(1, bytes(range(8)), 258, 3, 1280, b"digest!!", b"zz", b"yyyy")


@given(files)
def test_fields_come_back(file):
    data = pack(file)
    assert len(data) == OVERHEAD_BYTES + len(file.z_stream) + len(file.y_stream)
    assert unpack(data) == file


def test_layout_is_the_documented_one():
    """docs/format.md, byte by byte."""
    assert pack(EXAMPLE).hex() == (
        "8b4c494b" "01" "01" "0001020304050607" "02010000" "03000000" "0005"
        "6469676573742121" "02000000" "04000000" "7a7a" "79797979" "38c6b96c"
    )  # fmt: skip


@given(files, st.data())
def test_any_truncation_is_refused(file, data):
    packed = pack(file)
    length = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(ContainerError):
        unpack(packed[:length])


@given(files, st.data())
def test_any_altered_byte_is_refused(file, data):
    packed = bytearray(pack(file))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ContainerError):
        unpack(bytes(packed))


@given(st.binary(max_size=200))
def test_foreign_data_is_refused(data):
    with pytest.raises(ContainerError):
        unpack(data)


def test_something_appended_is_refused():
    with pytest.raises(ContainerError, match="altered"):
        unpack(pack(EXAMPLE) + b"\0")


def test_digest_depends_on_every_symbol():
    z, y = np.arange(8).reshape(2, 2, 2), np.arange(12).reshape(3, 2, 2)
    reference = digest_symbols(z, y)
    for symbols in (z, y):
        for place in np.ndindex(symbols.shape):
            symbols[place] += 1
            assert digest_symbols(z, y) != reference
            symbols[place] -= 1
    assert digest_symbols(z, y) == reference == digest_symbols(z.astype(">i8"), y)
