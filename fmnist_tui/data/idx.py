"""The IDX format of MNIST: a magic number, the dimensions, then the values.

Format: http://yann.lecun.com/exdb/mnist/ (big-endian 32-bit integers). The magic number is two zero bytes, the type of
the values (08 for bytes) and the number of dimensions.
"""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.dataset import ByteArray
from fmnist_tui.data.errors import DataError, unreadable
from fmnist_tui.data.reading import COPY_AGAIN, HIGHEST_RATIO, check_kind, read_at_most, unpacked

IMAGES_MAGIC = 0x00000803  # bytes in three dimensions
COLOUR_MAGIC = 0x00000804  # bytes in four: (N, height, width, channels) or (N, channels, height, width)
LABELS_MAGIC = 0x00000801  # bytes in one dimension
NOUNS = {IMAGES_MAGIC: "images", COLOUR_MAGIC: "images", LABELS_MAGIC: "labels"}
LABEL_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4"}
IDX_TYPES = (0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E)  # bytes, signed ones, and wider numbers
FIX_HEADER = "download it again, or, if you wrote it yourself, fix its header"
CHANNELS = (1, 3)


def read_images(path: Path) -> ByteArray:
    """Read the images of an IDX file, gzipped or not.

    Returns:
        uint8, (N, channels, height, width), read-only, N at least 1.

    Raises:
        DataError: The file can't be read or is not a complete IDX file of images.
    """
    return channels_first(_read(path, IMAGES_MAGIC), str(path))


def read_labels(path: Path) -> NDArray[Any]:
    """Read the labels of an IDX file, gzipped or not.

    Returns:
        Integers, (N,), read-only, N at least 1.

    Raises:
        DataError: The file can't be read or is not a complete IDX file of labels.
    """
    return _read(path, LABELS_MAGIC)


def peek(path: Path) -> tuple[int, int, int]:
    """Channels, height and width of the images of an IDX file, from its header.

    Raises:
        DataError: The file can't be read or is not an IDX file of images.
    """
    try:
        with path.open("rb") as file:
            shape, _ = read_header(unpacked(file, str(path)), str(path), IMAGES_MAGIC)
    except OSError as error:
        raise unreadable(path, error) from None
    _, channels, height, width = channels_first(np.broadcast_to(np.uint8(0), shape), str(path)).shape
    return channels, height, width


def channels_first(images: NDArray[Any], name: str) -> NDArray[Any]:
    """Images (N, height, width), (N, height, width, channels) or (N, channels, height, width) as the last of these.

    Raises:
        DataError: They have another number of dimensions or of channels.
    """
    shape = images.shape
    size = "x".join(map(str, shape)) or "of a single number"
    if len(shape) == 3:
        return images[:, None]
    if len(shape) != 4:
        advice = "give images as (N, height, width), (N, height, width, channels) or (N, channels, height, width)"
        raise DataError(f"{name} has the shape {size}", advice)
    if shape[3] in CHANNELS and not (shape[1] in CHANNELS and shape[2] > CHANNELS[-1]):
        return np.moveaxis(images, 3, 1)
    if shape[1] in CHANNELS:
        return images
    channels = min(shape[1], shape[3])
    advice = "remove the alpha channel" if channels in (2, 4) else "images have 1 channel (grey) or 3 (RGB)"
    raise DataError(f"{name} has the shape {size}, which is neither grey nor RGB", advice)


def parse(content: bytes, name: str, magic: int) -> NDArray[Any]:
    """Read images or labels, by `magic`, from the bytes of an IDX file, gzipped or not.

    Args:
        content: The file's bytes.
        name: Its name in messages.
        magic: IMAGES_MAGIC, also for images in colour, or LABELS_MAGIC, also for labels of wider types.

    Raises:
        DataError: The bytes are not a complete IDX file of that kind.
    """
    return _parse(io.BytesIO(content), name, magic, len(content))


def _read(path: Path, magic: int) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            return _parse(file, str(path), magic, path.stat().st_size)
    except OSError as error:
        raise unreadable(path, error) from None


def _parse(file: IO[bytes], name: str, magic: int, size: int) -> NDArray[Any]:
    """Read from `file`, of `size` bytes. Memory grows with the bytes read, whatever the header claims."""
    stream = unpacked(file, name)
    shape, dtype = read_header(stream, name, magic)
    expected = math.prod(shape) * dtype.itemsize
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
    values = np.frombuffer(content, dtype).reshape(shape)
    values.flags.writeable = False
    return values


def read_header(stream: IO[bytes], name: str, magic: int) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Check the magic number, and return the dimensions that follow it and the type of the values.

    Raises:
        DataError: They are not those of images, or of labels.
    """
    noun = NOUNS[magic]
    head = stream.read(4)
    if not head:
        raise DataError(f"{name} is empty", COPY_AGAIN)
    dtype = _type(head, magic)
    if dtype is None:
        raise _of_another_kind(head, name, noun)
    rank = head[3]
    head = stream.read(4 * rank)
    if len(head) < 4 * rank:
        raise DataError(f"{name} is truncated: it ends within its header", COPY_AGAIN)
    dimensions: tuple[int, ...] = struct.unpack_from(f">{rank}I", head)
    if dimensions[0] == 0:
        raise DataError(f"{name} contains no {noun}", f"use a file that contains {noun}")
    if 0 in dimensions:
        size = "x".join(map(str, dimensions[1:]))
        raise DataError(f"{name} contains images of {size} pixels", FIX_HEADER)
    return dimensions, dtype


def _type(head: bytes, magic: int) -> np.dtype[Any] | None:
    """The type of the values of a file of this kind with these first four bytes; None for another kind."""
    if magic != LABELS_MAGIC:
        return np.dtype(np.uint8) if int.from_bytes(head, "big") in (IMAGES_MAGIC, COLOUR_MAGIC) else None
    if len(head) == 4 and head[:2] == b"\0\0" and head[3] == 1 and head[2] in LABEL_TYPES:
        return np.dtype(LABEL_TYPES[head[2]])
    return None


def _of_another_kind(start: bytes, name: str, noun: str) -> DataError:
    """The error for a file of another kind, judged by its first four bytes."""
    check_kind(start, f"an IDX file of {noun}", name)
    problem = f"{name} is not an IDX file of {noun}: it"
    if other := NOUNS.get(int.from_bytes(start, "big")):
        return DataError(f"{problem} contains {other}", "the names of the files may be swapped")
    if len(start) == 4 and start[:2] == b"\0\0" and start[2] in IDX_TYPES:
        advice = "save images as unsigned bytes (type 08) in 3 dimensions, labels as integers in 1"
        return DataError(f"{problem} contains values of type {start[2]:02x} in {start[3]} dimensions", advice)
    return DataError(f"{problem} starts with {start.hex()}", COPY_AGAIN)
