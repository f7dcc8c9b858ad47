"""NumPy's .npz archives: Keras' arrays (x_train, y_train, x_test, y_test) or MedMNIST's six.

Nothing is unpickled: an array of Python objects could run code.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.assembling import Part, Sets, assemble
from fmnist_tui.data.dataset import ByteArray
from fmnist_tui.data.errors import (
    CancelCheck,
    DataError,
    Progress,
    ProgressCallback,
    never,
    quiet,
    raise_if_cancelled,
    unreadable,
)
from fmnist_tui.data.idx import channels_first
from fmnist_tui.data.reading import COPY_AGAIN, read_at_most
from fmnist_tui.text import amount, counted

LARGEST = 1 << 31
"""Bytes of an array: an archive of a few megabytes could claim any number."""
_TRAIN, _VALIDATION, _TEST = (
    (("x_train", "y_train"), ("train_images", "train_labels")),
    (("x_val", "y_val"), ("x_valid", "y_valid"), ("val_images", "val_labels")),
    (("x_test", "y_test"), ("test_images", "test_labels")),
)
_DAMAGED = (
    *(ValueError, KeyError, TypeError, EOFError, RuntimeError, OverflowError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""What zipfile and NumPy raise for damaged content; RuntimeError for encrypted or unsupported one."""
_NAMES = "x_train, y_train, x_test and y_test, or train_images, train_labels, test_images and test_labels"
_CHUNK = 1 << 22
"""Values converted at a time."""


def read(path: Path, report: ProgressCallback, cancelled: CancelCheck) -> Sets:
    """Read a data set from an archive.

    Images are (N, height, width), (N, height, width, channels), (N, channels, height, width) or, of square grey
    images, (N, pixels); their values are 0 to 255, or 0 to 1 where none is larger. Labels are (N,) or (N, 1).

    Raises:
        DataError: It can't be read, arrays are missing, or they aren't images with their labels.
        Cancelled: `cancelled` returned True.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Archive(archive, path, report, cancelled).sets()
    except OSError as error:
        raise unreadable(path, error) from None
    except MemoryError:
        raise DataError(f"{path} does not fit into this machine's memory", "use fewer images") from None
    except zipfile.BadZipFile:
        raise DataError(f"{path} is not an .npz archive, or it is truncated", COPY_AGAIN) from None


def peek(path: Path) -> tuple[int, int, int]:
    """Channels, height and width of the training images, from their header.

    Raises:
        DataError: It can't be read, or the arrays are missing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Archive(archive, path, quiet, never).shape()
    except OSError as error:
        raise unreadable(path, error) from None
    except zipfile.BadZipFile:
        raise DataError(f"{path} is not an .npz archive, or it is truncated", COPY_AGAIN) from None


class _Archive:
    def __init__(self, archive: zipfile.ZipFile, path: Path, report: ProgressCallback, cancelled: CancelCheck) -> None:
        self._archive, self._path, self._report, self._cancelled = archive, path, report, cancelled
        self._names = {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}

    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the training images."""
        name, _ = self._train_pair()
        where = f"{name} of {self._path}"
        with self._opened(name, where) as stream:
            shape, _, _ = self._header(stream, "biuf", where)
        _, channels, height, width = _as_images(np.broadcast_to(np.uint8(0), shape), where).shape
        return channels, height, width

    def sets(self) -> Sets:
        """The data set."""
        train = self._train_pair()
        validation, test = (self._pair(pairs) for pairs in (_VALIDATION, _TEST))
        pairs = [pair for pair in (train, validation, test) if pair]
        images = [self._images(name) for name, _ in pairs]
        labels = [self._labels(name) for _, name in pairs]
        scale = self._scale([name for name, _ in pairs], images)
        parts = {}
        for pair, raw, own in zip(pairs, images, labels, strict=True):
            if len(raw) != len(own):
                n_images, n_labels = counted(len(raw), "image"), counted(len(own), "label")
                counts = f"{pair[0]} of {self._path} has {n_images} but {pair[1]} {n_labels}"
                raise DataError(counts, "give one label for each image")
            parts[pair] = Part(as_bytes(raw, scale), own, f"{pair[0]} of {self._path}")
        return assemble(parts[train], parts.get(test or ("", "")), parts.get(validation or ("", "")))

    def _train_pair(self) -> tuple[str, str]:
        if pair := self._pair(_TRAIN):
            return pair
        found = ", ".join(sorted(self._names)[:8]) or "no arrays"
        raise DataError(f"{self._path} contains {found}", f"name the arrays {_NAMES}")

    def _pair(self, pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
        for images, labels in pairs:
            if {images, labels} <= self._names:
                return images, labels
            if {images, labels} & self._names:
                missing = next(name for name in (images, labels) if name not in self._names)
                raise DataError(f"{self._path} lacks the array {missing}", f"name the arrays {_NAMES}")
        return None

    def _images(self, name: str) -> NDArray[Any]:
        return _as_images(self._array(name, "biuf"), f"{name} of {self._path}")

    def _labels(self, name: str) -> NDArray[Any]:
        array, where = self._array(name, "biufU"), f"{name} of {self._path}"
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            size = "x".join(map(str, array.shape))
            raise DataError(f"{where} has the shape {size}", "give one class number for each image: y.argmax(axis=1)")
        if array.dtype.kind == "f":
            wrong = np.flatnonzero(~(array == np.round(array)) | ~(np.abs(array) < 2**31))
            if wrong.size:
                value = f"{array[wrong[0]]:g}"
                raise DataError(f"{where} has label {value} at image {wrong[0]}", "labels must be whole numbers")
        if array.dtype.kind == "u" and (wrong := np.flatnonzero(array > np.iinfo(np.int64).max)).size:
            what = f"{where} has label {array[wrong[0]]} at image {wrong[0]}"
            raise DataError(what, "number the classes from 0")
        return array if array.dtype.kind == "U" else array.astype(np.int64)

    def _scale(self, names: Sequence[str], arrays: Sequence[NDArray[Any]]) -> int:
        """What the values are multiplied by: 255 if they go from 0 to 1, else 1; the same for all arrays."""
        highest = {}
        for name, array in zip(names, arrays, strict=True):
            raise_if_cancelled(self._cancelled)
            low, high = float(array.min()), float(array.max())
            where = f"{name} of {self._path}"
            if not (math.isfinite(low) and math.isfinite(high)):
                image = next(index for index, one in enumerate(array) if not np.isfinite(one).all())
                raise DataError(f"{where} has values that are not finite, first in image {image}", "fix or remove it")
            if low < 0:
                advice = "give pixels as they are, 0 to 255 or 0 to 1, not standardised"
                raise DataError(f"{where} has negative values ({low:g})", advice)
            if high > 255:
                raise DataError(f"{where} has values up to {high:g}, not 255", "scale the pixels to 0 to 255")
            if high:
                highest[name] = high
        if min(highest.values(), default=255) > 1:
            return 1
        if max(highest.values()) > 1:
            first, last = min(highest, key=highest.__getitem__), max(highest, key=highest.__getitem__)
            what = f"{self._path} has pixels 0 to {highest[last]:g} in {last} but 0 to 1 in {first}"
            raise DataError(what, "scale all arrays alike")
        return 255

    def _array(self, name: str, kinds: str) -> NDArray[Any]:
        raise_if_cancelled(self._cancelled)
        where = f"{name} of {self._path}"
        with self._opened(name, where) as stream:
            shape, fortran, dtype = self._header(stream, kinds, where)
            expected = math.prod(shape) * dtype.itemsize
            if expected > LARGEST:
                claim = f"{where} claims {amount(expected)}, more than {amount(LARGEST)}"
                raise DataError(claim, "use fewer or smaller images")
            self._report(Progress(f"reading {name} of {self._path.name}", 0, expected))
            content = read_at_most(stream, expected)
            if len(content) < expected:
                raise DataError(f"{where} is truncated: it has {len(content)} bytes of {expected}", COPY_AGAIN)
            stream.read(1)  # at the end zipfile verifies the checksum
        flat = np.frombuffer(content, dtype)
        return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)

    @contextmanager
    def _opened(self, name: str, where: str) -> Iterator[IO[bytes]]:
        """A member as a stream, whatever is wrong with it as a DataError."""
        try:
            with self._archive.open(f"{name}.npy") as stream:
                yield stream
        except _DAMAGED:
            raise DataError(f"{where} is damaged: it can't be read", COPY_AGAIN) from None

    def _header(self, stream: IO[bytes], kinds: str, where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        """Shape, whether columns come first, and type."""
        version = np.lib.format.read_magic(stream)
        parse = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = parse(stream)
        if dtype.hasobject:
            raise DataError(f"{where} holds Python objects, which are not read", "save it as an array of numbers")
        if dtype.kind not in kinds:
            raise DataError(f"{where} has the type {dtype}", "save it as an array of numbers")
        return shape, fortran, dtype


def _as_images(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Images (N, channels, height, width), from any of the supported shapes."""
    if array.ndim == 2 and math.isqrt(array.shape[1]) ** 2 == array.shape[1]:
        side = math.isqrt(array.shape[1])
        array = array.reshape(len(array), side, side)
    if not array.size:
        raise DataError(f"{where} contains no images", "give at least one image")
    return channels_first(array, where)


def as_bytes(images: NDArray[Any], scale: int) -> ByteArray:
    """Images as uint8, their values multiplied by `scale` and rounded."""
    if scale == 1 and images.dtype == np.uint8:
        return images
    found = np.empty(images.shape, np.uint8)
    step = max(1, _CHUNK // max(1, images[0].size))
    for first in range(0, len(images), step):
        found[first : first + step] = np.rint(images[first : first + step] * np.float32(scale))
    return found
