"""The IDX format of MNIST: a magic number, the dimensions, then one byte a value.

Format: http://yann.lecun.com/exdb/mnist/ (big-endian 32-bit integers).
"""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np

from fmnist_tui.data.dataset import CLASS_COUNT, SIDE, ByteArray
from fmnist_tui.data.errors import DataError

IMAGES_MAGIC = 0x00000803  # bytes in three dimensions
LABELS_MAGIC = 0x00000801  # bytes in one dimension
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WBITS = 31
FETCH_AGAIN = "fetch the file again"
LARGEST_HINT = 1 << 26  # a damaged size field must not reserve gigabytes


def parse_images(content: bytes, name: str) -> ByteArray:
    """Read images from the bytes of an IDX file, gzipped or not, without copying them.

    Args:
        content: The whole file.
        name: What to call the file in messages.

    Returns:
        uint8, (N, 28, 28), read-only, N at least 1.

    Raises:
        DataError: The bytes are not a complete IDX file of 28x28 images.
    """
    content = decompress(content, name)
    count, rows, columns = _dimensions(content, name, IMAGES_MAGIC, "images")
    if (rows, columns) != (SIDE, SIDE):
        raise DataError(f"{name} holds images of {rows}x{columns} pixels", f"only {SIDE}x{SIDE} can be used")
    return _values(content, name, (count, rows, columns))


def parse_labels(content: bytes, name: str) -> ByteArray:
    """Read labels from the bytes of an IDX file, gzipped or not.

    Args:
        content: The whole file.
        name: What to call the file in messages.

    Returns:
        uint8, (N,), read-only, N at least 1, every label 0 to 9.

    Raises:
        DataError: The bytes are not a complete IDX file of labels 0 to 9.
    """
    content = decompress(content, name)
    (count,) = _dimensions(content, name, LABELS_MAGIC, "labels")
    labels = _values(content, name, (count,))
    wrong = np.flatnonzero(labels >= CLASS_COUNT)
    if wrong.size:
        row = int(wrong[0])
        raise DataError(f"{name} has label {labels[row]} at image {row}", f"labels must be 0 to {CLASS_COUNT - 1}")
    return labels


def decompress(content: bytes, name: str) -> bytes:
    """Unpack `content` if it is gzipped, else return it as it is.

    Raises:
        DataError: The gzip stream is damaged, cut short, or followed by other bytes.
    """
    if not content.startswith(GZIP_MAGIC):
        return content
    size = int.from_bytes(content[-4:], "little")  # gzip ends with the size of what it holds
    try:
        # One buffer of the right size saves a third of the time that gzip.decompress takes.
        unpacked = zlib.decompress(content, GZIP_WBITS, bufsize=min(size, LARGEST_HINT) + 1)
    except zlib.error:
        raise DataError(f"{name} is damaged or cut short: it cannot be unpacked", FETCH_AGAIN) from None
    if len(unpacked) != size:
        raise DataError(f"{name} has other bytes after its gzip stream", FETCH_AGAIN)
    return unpacked


def _dimensions(content: bytes, name: str, magic: int, noun: str) -> tuple[int, ...]:
    """Check the magic number and return the dimensions that follow it."""
    if not content:
        raise DataError(f"{name} is empty", FETCH_AGAIN)
    if content[:4] != magic.to_bytes(4, "big"):
        raise DataError(
            f"{name} is not an IDX file of {noun}: it starts with {content[:4].hex()}, not {magic:08x}",
            FETCH_AGAIN,
        )
    rank = magic & 0xFF
    if len(content) < 4 + 4 * rank:
        raise DataError(f"{name} is cut short: it ends within its header", FETCH_AGAIN)
    dimensions: tuple[int, ...] = struct.unpack_from(f">{rank}I", content, 4)
    if dimensions[0] == 0:
        raise DataError(f"{name} holds no {noun}", FETCH_AGAIN)
    return dimensions


def _values(content: bytes, name: str, shape: tuple[int, ...]) -> ByteArray:
    """Return the bytes after the header in `shape`, after checking that they are neither few nor many."""
    header = 4 + 4 * len(shape)
    expected = header + math.prod(shape)
    if len(content) < expected:
        raise DataError(f"{name} is cut short: {len(content)} bytes of {expected}", FETCH_AGAIN)
    if len(content) > expected:
        raise DataError(f"{name} is too long: {len(content)} bytes, not {expected}", FETCH_AGAIN)
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
