from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentink.container import (
    OVERHEAD_BYTES,
    LikFile,
    digest_of,
    pack,
    unpack,
)
from latentink.errors import ContainerError
from latentink.geometry import MAXIMUM_SIDE, MINIMUM_SIDE

files = st.builds(
    LikFile,
    codec_number=st.integers(0, 255),
    fingerprint=st.binary(min_size=8, max_size=8),
    height=st.integers(MINIMUM_SIDE, 10_000),
    width=st.integers(MINIMUM_SIDE, 10_000),
    quality_code=st.integers(0, 65535),
    digest=st.binary(min_size=8, max_size=8),
    stream=st.binary(max_size=60),
)

EXAMPLE = LikFile(1, bytes(range(8)), 258, 33, 1280, b"digest!!", b"zzyyyy")


@given(files)
def test_fields_come_back(file):
    data = pack(file)
    assert len(data) == OVERHEAD_BYTES + len(file.stream)
    assert unpack(data) == file


def test_layout_is_the_documented_one():
    """docs/format.md, byte by byte."""
    assert pack(EXAMPLE).hex() == (
        "8b4c494b" "02" "01" "0001020304050607" "0201" "2100" "0005"
        "6469676573742121" "06000000" "7a7a79797979" "eb95c707"
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


@pytest.mark.parametrize(
    ("height", "width"), [(15, 100), (100, 15), (0, 0), (20, MAXIMUM_SIDE + 1), (10_000, 10_001)]
)
def test_a_size_that_no_file_has_is_refused(height, width):
    with pytest.raises(ContainerError, match="not genuine"):
        unpack(pack(replace(EXAMPLE, height=height, width=width)))


@pytest.mark.parametrize(("version", "says"), [(1, "latentink 0.1"), (3, "update latentink")])
def test_another_version_is_named(version, says):
    data = bytearray(pack(EXAMPLE))
    data[4] = version
    data[-4:] = zlib.crc32(data[:-4]).to_bytes(4, "little")
    with pytest.raises(ContainerError, match=says):
        unpack(bytes(data))


def test_the_digest_depends_on_every_symbol_and_on_the_header():
    z, y = np.arange(8).reshape(2, 2, 2), np.arange(12).reshape(3, 2, 2)
    reference = digest_of(EXAMPLE, z, y)
    for symbols in (z, y):
        for place in np.ndindex(symbols.shape):
            symbols[place] += 1
            assert digest_of(EXAMPLE, z, y) != reference
            symbols[place] -= 1
    assert digest_of(EXAMPLE, z.astype(">i8"), y) == reference
    for field in ("codec_number", "height", "width", "quality_code"):
        other = replace(EXAMPLE, **{field: getattr(EXAMPLE, field) + 1})
        assert digest_of(other, z, y) != reference
    assert digest_of(replace(EXAMPLE, fingerprint=bytes(8)), z, y) != reference
