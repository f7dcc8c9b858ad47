"""The IDX format of MNIST: a magic number, the dimensions, then one byte per value.

Format: http://yann.lecun.com/exdb/mnist/ (big-endian 32-bit integers).
"""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import IO

import numpy as np

from fmnist_tui.data.dataset import CLASS_COUNT, SIDE, ByteArray
from fmnist_tui.data.errors import DataError, unreadable
from fmnist_tui.data.reading import COPY_AGAIN, HIGHEST_RATIO, check_kind, read_at_most, unpacked

IMAGES_MAGIC = 0x00000803  # bytes in three dimensions
LABELS_MAGIC = 0x00000801  # bytes in one dimension
NOUNS = {IMAGES_MAGIC: "images", LABELS_MAGIC: "labels"}
IDX_TYPES = (0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E)  # bytes, signed ones, and wider numbers
FIX_HEADER = "download it again, or, if you wrote it yourself, fix its header"


def read_images(path: Path) -> ByteArray:
    """Read the images of an IDX file, gzipped or not.

    Returns:
        uint8, (N, 28, 28), read-only, N at least 1.

    Raises:
        DataError: The file can't be read or is not a complete IDX file of 28x28 images.
    """
    return _read(path, IMAGES_MAGIC)


def read_labels(path: Path) -> ByteArray:
    """Read the labels of an IDX file, gzipped or not.

    Returns:
        uint8, (N,), read-only, N at least 1, every label 0 to 9.

    Raises:
        DataError: The file can't be read or is not a complete IDX file of labels 0 to 9.
    """
    return _read(path, LABELS_MAGIC)


def parse(content: bytes, name: str, magic: int) -> ByteArray:
    """Read images or labels, by `magic`, from the bytes of an IDX file, gzipped or not.

    Args:
        content: The file's bytes.
        name: Its name in messages.
        magic: IMAGES_MAGIC or LABELS_MAGIC.

    Raises:
        DataError: The bytes are not a complete IDX file of that kind.
    """
    return _parse(io.BytesIO(content), name, magic, len(content))


def _read(path: Path, magic: int) -> ByteArray:
    try:
        with path.open("rb") as file:
            return _parse(file, str(path), magic, path.stat().st_size)
    except OSError as error:
        raise unreadable(path, error) from None


def _parse(file: IO[bytes], name: str, magic: int, size: int) -> ByteArray:
    """Read from `file`, of `size` bytes. Memory grows with the bytes read, whatever the header claims."""
    stream = unpacked(file, name)
    shape = _dimensions(stream, name, magic)
    expected = math.prod(shape)
    largest = size if stream is file else size * HIGHEST_RATIO
    try:
        content = read_at_most(stream, expected if expected <= largest else 0)
    except MemoryError:
        raise DataError(
            f"{name} needs {expected} bytes of memory, more than is available", "use fewer images"
        ) from None
    what = f"the {shape[0]} {NOUNS[magic]} of its header take {expected} bytes"
    if len(content) < expected:
        held = f"the file has {size}" if expected > largest else f"it contains {len(content)}"
        raise DataError(f"{name} is truncated: {what}, {held}", COPY_AGAIN)
    if stream.read(1):
        raise DataError(f"{name} is too long: {what}, but more follow", FIX_HEADER)
    values = np.frombuffer(content, np.uint8).reshape(shape)
    values.flags.writeable = False
    return values if magic == IMAGES_MAGIC else _checked_labels(values, name)


def _dimensions(stream: IO[bytes], name: str, magic: int) -> tuple[int, ...]:
    """Check the magic number and return the dimensions that follow it."""
    noun, rank = NOUNS[magic], magic & 0xFF
    head = stream.read(4 + 4 * rank)
    if not head:
        raise DataError(f"{name} is empty", COPY_AGAIN)
    if head[:4] != magic.to_bytes(4, "big"):
        raise _of_another_kind(head[:4], name, noun)
    if len(head) < 4 + 4 * rank:
        raise DataError(f"{name} is truncated: it ends within its header", COPY_AGAIN)
    dimensions: tuple[int, ...] = struct.unpack_from(f">{rank}I", head, 4)
    if dimensions[0] == 0:
        raise DataError(f"{name} contains no {noun}", f"use a file that contains {noun}")
    if magic == IMAGES_MAGIC and dimensions[1:] != (SIDE, SIDE):
        size = "x".join(map(str, dimensions[1:]))
        raise DataError(f"{name} contains images of {size} pixels", f"only {SIDE}x{SIDE} is supported")
    return dimensions


def _of_another_kind(start: bytes, name: str, noun: str) -> DataError:
    """The error for a file of another kind, judged by its first four bytes."""
    check_kind(start, f"an IDX file of {noun}", name)
    problem = f"{name} is not an IDX file of {noun}: it"
    if other := NOUNS.get(int.from_bytes(start, "big")):
        return DataError(f"{problem} contains {other}", "the names of the files may be swapped")
    if len(start) == 4 and start[:2] == b"\0\0" and start[2] in IDX_TYPES:
        advice = "save it as unsigned bytes (type 08): images in 3 dimensions, labels in 1"
        return DataError(f"{problem} contains values of type {start[2]:02x} in {start[3]} dimensions", advice)
    return DataError(f"{problem} starts with {start.hex()}", COPY_AGAIN)


def _checked_labels(labels: ByteArray, name: str) -> ByteArray:
    wrong = np.flatnonzero(labels >= CLASS_COUNT)
    if wrong.size:
        row = int(wrong[0])
        raise DataError(f"{name} has label {labels[row]} at image {row}", f"labels must be 0 to {CLASS_COUNT - 1}")
    return labels
