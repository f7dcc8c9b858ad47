"""Data files as they arrive: decompressed as `gzip -dc` does, and recognised where they are something else."""

from __future__ import annotations

import io
import zlib
from typing import IO, Any

from fmnist_tui.data.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WBITS = 31  # zlib checks the header, its optional fields and the checksum at the end
HIGHEST_RATIO = 1040  # deflate makes at most 1032 bytes of one
CHUNK = 1 << 18
COPY_AGAIN = "download or copy it again"


class Unpacked(io.RawIOBase):
    """What a gzip file holds. A damaged or truncated one raises DataError where that shows.

    As for gzip, a file is a sequence of members, each with its header and checksum. Zeros or other bytes behind the
    last one (tapes and some tools pad files) are no part of it.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Read `file` from its current position; `name` is what messages call it."""
        super().__init__()
        self._file = file
        self._name = name
        self._member = zlib.decompressobj(GZIP_WBITS)
        self._input = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Unpack into `buffer`; return the number of bytes, 0 at the end.

        Raises:
            DataError: The file is damaged or cut short.
            OSError: It cannot be read.
        """
        view = memoryview(buffer).cast("B")
        while view and not self._at_end():
            try:
                content = self._member.decompress(self._input, len(view))
            except zlib.error:
                raise DataError(f"{self._name} is damaged: it cannot be unpacked", COPY_AGAIN) from None
            self._input = self._member.unconsumed_tail
            if content:
                view[: len(content)] = content
                return len(content)
        return 0

    def _at_end(self) -> bool:
        """Whether the last member is read; else there is a member with input for it."""
        if self._member.eof:
            rest = self._member.unused_data
            if len(rest) < len(GZIP_MAGIC):
                rest += self._file.read(CHUNK)
            if not rest.startswith(GZIP_MAGIC):
                return True
            self._member, self._input = zlib.decompressobj(GZIP_WBITS), rest
        elif not self._input:
            self._input = self._file.read(CHUNK)
            if not self._input:
                raise DataError(f"{self._name} is cut short: its gzip stream has no end", COPY_AGAIN)
        return False


def unpacked(file: IO[bytes], name: str) -> IO[bytes]:
    """`file`, opened at its start, as a stream of what it holds: unpacked if it is gzipped, whatever it is called."""
    is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    file.seek(0)
    return io.BufferedReader(Unpacked(file, name), CHUNK) if is_packed else file


def read_at_most(stream: IO[bytes], count: int) -> bytearray:
    """Read `count` bytes, or fewer where the stream ends before; memory grows with what is there, not with `count`."""
    content = bytearray()
    while len(content) < count and (piece := stream.read(min(CHUNK, count - len(content)))):
        content += piece
    return content


LONGEST = 4  # bytes that are looked at
_KINDS = {
    b"PK\x03\x04": ("a zip archive", "unzip it"),
    b"\x1f\x8b": ("compressed twice", "unpack it once: gunzip"),
    b"BZh": ("compressed with bzip2", "unpack it: bunzip2"),
    b"\xfd7zX": ("compressed with xz", "unpack it: unxz"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it: unzstd"),
    b"\x93NUM": ("a NumPy array", "write it as an IDX file or a CSV file"),
    b"vers": ("a pointer of Git LFS, not the file itself", "fetch it: git lfs pull"),
    b"\xff\xfe": ("text in UTF-16", "save it as UTF-8"),
    b"\xfe\xff": ("text in UTF-16", "save it as UTF-8"),
    b"<": ("a web page", "download the file itself"),
}


def check_kind(start: bytes, expected: str, name: str) -> None:
    """Raise DataError if a file called `name` that should be `expected` starts as another kind does.

    Args:
        start: Its first bytes, unpacked.
        expected: Such as "an IDX file of images".
        name: What to call it in messages.
    """
    for length in range(LONGEST, 0, -1):
        if start[:length] in _KINDS:
            kind, advice = _KINDS[start[:length]]
            raise DataError(f"{name} is not {expected}: it is {kind}", advice)
