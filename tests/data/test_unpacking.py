"""Whatever `gzip -dc` reads, and what it says of the rest."""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import subprocess
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_tui.data.errors import DataError
from fmnist_tui.data.reading import CHUNK, read_at_most, unpacked

CONTENT = bytes(range(256)) * 4000
PACKED = gzip.compress(CONTENT, mtime=0)


def unpack(content: bytes) -> bytes:
    return bytes(read_at_most(unpacked(io.BytesIO(content), "some-file"), 1 << 30))


def with_header(flags: int, fields: bytes) -> bytes:
    """A member with optional fields: FTEXT 1, FHCRC 2, FEXTRA 4, FNAME 8, FCOMMENT 16."""
    header = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\x00\x03" + fields
    if flags & 2:
        header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    return header + PACKED[10:]


ACCEPTED = {
    "one member": (PACKED, CONTENT),
    "a name": (with_header(8, b"a name\0"), CONTENT),
    "a comment": (with_header(16, b"a comment\0"), CONTENT),
    "an extra field": (with_header(4, b"\x05\x00extra"), CONTENT),
    "all fields": (with_header(1 | 2 | 4 | 8 | 16, b"\x02\x00xx" + b"name\0" + b"comment\0"), CONTENT),
    "two members": (PACKED + PACKED, CONTENT + CONTENT),
    "an empty member between": (PACKED + gzip.compress(b"") + gzip.compress(b"end"), CONTENT + b"end"),
    "many small members": (b"".join(gzip.compress(bytes([n])) for n in range(200)), bytes(range(200))),
    "no compression": (gzip.compress(CONTENT, 0), CONTENT),
    "zeros behind": (PACKED + bytes(1000), CONTENT),
    "other bytes behind": (PACKED + b"garbage", CONTENT),
    "zeros and then a member behind": (PACKED + bytes(3) + gzip.compress(b"no part of it"), CONTENT),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_gzip_accepts_is_accepted(name: str) -> None:
    packed, expected = ACCEPTED[name]
    assert unpack(packed) == expected


@pytest.mark.skipif(shutil.which("gzip") is None, reason="compares with the program gzip")
@pytest.mark.parametrize("name", ACCEPTED)
def test_gzip_itself_reads_the_same(name: str) -> None:
    done = subprocess.run(["gzip", "-dc"], input=ACCEPTED[name][0], capture_output=True, check=False)
    assert done.returncode in (0, 2)  # 2 is a warning
    assert done.stdout == ACCEPTED[name][1]


@pytest.mark.parametrize("byte", [b"\0", b"x", b"\x1f"])
def test_a_single_byte_behind_is_ignored(byte: bytes) -> None:
    assert unpack(PACKED + byte) == CONTENT


@pytest.mark.parametrize("length", [CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_member_that_ends_where_a_piece_is_read_is_followed_by_the_next(length: int) -> None:
    first = gzip.compress(bytes(length - 5 - 18), 0)  # stored: five bytes a block, and header and trailer
    packed = first + gzip.compress(b"end")
    assert unpack(packed).endswith(b"end")


@pytest.mark.parametrize("length", [2, 9, 10, 11, 100, len(PACKED) - 9, len(PACKED) - 8, len(PACKED) - 1])
def test_a_file_that_is_cut_short_says_so(length: int) -> None:
    with pytest.raises(DataError, match=r"some-file is truncated: .* download or copy it again"):
        unpack(PACKED[:length])


@pytest.mark.parametrize(
    "damaged",
    [
        PACKED[:500] + b"\xff\xff" + PACKED[502:],
        PACKED[:-8] + bytes(4) + PACKED[-4:],
        PACKED[:-4] + bytes(4),
        PACKED[:2] + b"\x07" + PACKED[3:],
        PACKED[:3] + b"\xe0" + PACKED[4:],
        with_header(2, b"")[:10] + b"??" + PACKED[10:],
        PACKED + PACKED[:2] + b"\x07" + PACKED[3:],
    ],
    ids=["middle", "checksum", "length", "method", "reserved flags", "header's checksum", "second member"],
)
def test_a_damaged_file_says_so(damaged: bytes) -> None:
    with pytest.raises(DataError, match="some-file is damaged: it can't be decompressed"):
        unpack(damaged)


def test_what_is_not_gzipped_is_read_as_it_is() -> None:
    assert unpack(CONTENT) == CONTENT
    assert unpack(b"") == b""


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.binary(max_size=20))
def test_members_in_any_number_are_joined(parts: list[bytes], behind: bytes) -> None:
    packed = b"".join(gzip.compress(part) for part in parts)
    assert unpack(packed + b"\0" + behind) == b"".join(parts)
