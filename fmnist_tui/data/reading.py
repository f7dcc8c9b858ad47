"""Reading data files: decompressing them as `gzip -dc` does, and recognising files of other kinds."""

from __future__ import annotations

import io
import zlib
from typing import IO, Any

from fmnist_tui.data.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WBITS = 31  # zlib parses the gzip header and verifies the checksum
HIGHEST_RATIO = 1040  # deflate compresses at most 1032 bytes to one
CHUNK = 1 << 18
COPY_AGAIN = "download or copy it again"


class Unpacked(io.RawIOBase):
    """The decompressed content of a gzip file, as a stream.

    A file is a sequence of members, each with its own header and checksum. Bytes after the last one (tapes and some
    tools pad files) are ignored, as gzip does.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Read `file` from its current position; `name` is its name in messages."""
        super().__init__()
        self._file = file
        self._name = name
        self._member = zlib.decompressobj(GZIP_WBITS)
        self._input = b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Decompress into `buffer`; return the number of bytes, 0 at the end.

        Raises:
            DataError: The file is damaged or truncated.
            OSError: It can't be read.
        """
        view = memoryview(buffer).cast("B")
        while view and not self._at_end():
            try:
                content = self._member.decompress(self._input, len(view))
            except zlib.error:
                raise DataError(f"{self._name} is damaged: it can't be decompressed", COPY_AGAIN) from None
            self._input = self._member.unconsumed_tail
            if content:
                view[: len(content)] = content
                return len(content)
        return 0

    def _at_end(self) -> bool:
        """Whether the last member has been read; if not, make sure that the current member has input."""
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
                raise DataError(f"{self._name} is truncated: its gzip stream has no end", COPY_AGAIN)
        return False


def unpacked(file: IO[bytes], name: str) -> IO[bytes]:
    """A stream of the content of `file`, decompressed if it is gzipped, whatever its name. `file` is at its start."""
    is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    file.seek(0)
    return io.BufferedReader(Unpacked(file, name), CHUNK) if is_packed else file


def read_at_most(stream: IO[bytes], count: int) -> bytearray:
    """Read `count` bytes, or fewer if the stream ends before; memory grows with the bytes read, not with `count`."""
    content = bytearray()
    while len(content) < count and (piece := stream.read(min(CHUNK, count - len(content)))):
        content += piece
    return content


MAX_MAGIC = 4  # bytes
_KINDS = {
    b"PK\x03\x04": ("a zip archive", "unzip it"),
    b"\x1f\x8b": ("compressed twice", "decompress it once: gunzip"),
    b"BZh": ("compressed with bzip2", "decompress it: bunzip2"),
    b"\xfd7zX": ("compressed with xz", "decompress it: unxz"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "decompress it: unzstd"),
    b"\x89PNG": ("a PNG picture", "use IDX or CSV files"),
    b"\xff\xd8\xff": ("a JPEG picture", "use IDX or CSV files"),
    b"\x93NUM": ("a NumPy array", "save it as an IDX or CSV file"),
    b"vers": ("a Git LFS pointer, not the file itself", "fetch it: git lfs pull"),
    b"\xff\xfe": ("text in UTF-16", "save it as UTF-8"),
    b"\xfe\xff": ("text in UTF-16", "save it as UTF-8"),
    b"<": ("a web page", "download the file itself"),
}


def check_kind(start: bytes, expected: str, name: str) -> None:
    """Raise DataError if a file starts like one of another known kind.

    Args:
        start: Its first bytes, decompressed.
        expected: The kind that it should be, such as "an IDX file of images".
        name: Its name in messages.
    """
    for length in range(MAX_MAGIC, 0, -1):
        if start[:length] in _KINDS:
            kind, advice = _KINDS[start[:length]]
            raise DataError(f"{name} is not {expected}: it is {kind}", advice)
