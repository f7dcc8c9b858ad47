"""The cache: downloaded files (official and complete ones only), decoded arrays, and its clean-up."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import secrets
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.assembling import Sets
from fmnist_tui.data.dataset import MAX_CLASSES, ImageSet
from fmnist_tui.data.errors import DataError, unwritable
from fmnist_tui.data.folder import DataFiles, locate
from fmnist_tui.data.official import OfficialFile
from fmnist_tui.data.reading import read_at_most, unpacked
from fmnist_tui.files import read_json, sync_folder, write_atomically, write_json


def save_file(folder: Path, file: OfficialFile, packed: bytes) -> None:
    """Verify that `packed` is the official `file`, gzipped, and write it to the existing `folder` as `<name>.gz`.

    Raises:
        DataError: The bytes are not the official ones.
        CacheError: The folder can't be written.
    """
    try:
        is_official = _holds(file, packed)
    except DataError:
        raise DataError(f"{file.name} is not the official file: it can't be decompressed") from None
    if not is_official:
        raise DataError(f"{file.name} is not the official file: its checksum (sha256) differs")
    try:
        write_atomically(folder / f"{file.name}.gz", packed)
    except OSError as error:
        raise unwritable(folder, error) from None


def create_folder(folder: Path) -> None:
    """Create the folder for downloaded files, and check that it can be written before anything is downloaded.

    Raises:
        CacheError: It can't be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error) from None


def is_cached(folder: Path, file: OfficialFile) -> bool:
    """Whether `folder` already contains the official `file`."""
    try:
        path = locate(folder, file.name)
        return path is not None and _holds(file, path.read_bytes())
    except (OSError, DataError):
        return False


def _holds(file: OfficialFile, packed: bytes) -> bool:
    """Whether `packed`, gzipped or not, is the official `file`. Decompresses no more of it than this takes."""
    return file.holds(bytes(read_at_most(unpacked(io.BytesIO(packed), file.name), file.size + 1)))


FORMAT = 3
META = "meta.json"
ARRAYS = "arrays"  # the folder of decoded arrays in the cache


def arrays_folder(cache: Path, files: DataFiles) -> Path:
    """The folder in `cache` for the arrays of `files` in their present state (path, size and time of change).

    The side that pictures are brought to is part of the name.

    Raises:
        OSError: A file no longer exists.
    """
    key: list[object] = [FORMAT, files.size]
    folders = {folder: folder.resolve() for folder in {path.parent for path in files.paths}}
    for path in files.paths:
        status = path.stat()
        key.append([os.fspath(folders[path.parent] / path.name), status.st_size, status.st_mtime_ns])
    return cache / ARRAYS / hashlib.sha256(json.dumps(key).encode()).hexdigest()


def load_arrays(folder: Path, *, verify: bool = False) -> Sets | None:
    """The training set and the test set cached in `folder`, or None if they are missing or invalid.

    With `verify`, every pixel is read and compared with the fingerprint, which takes some 50 ms for Fashion-MNIST.
    """
    try:
        meta = read_json(folder / META) or {}
        classes, n_validation, note = meta["classes"], meta["n_validation"], meta["note"]
        _check_names(classes, n_validation, note)
        train, test = (_load_set(folder, part, meta[part], len(classes)) for part in ("train", "test"))
        if verify and not (train.is_intact() and test.is_intact()):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    with suppress(OSError):  # marks it as recently used, for `prune`
        os.utime(folder)
    return Sets(train, test, tuple(classes), n_validation, note)


def _check_names(classes: object, n_validation: object, note: object) -> None:
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise TypeError("invalid names of classes")
    if len(classes) > MAX_CLASSES or type(n_validation) is not int or not isinstance(note, str):
        raise TypeError("invalid description")


def save_arrays(folder: Path, sets: Sets) -> None:
    """Write `sets` to `folder`, replacing what is there. A cache that can't be written is left as it is."""
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.parent / f".new-{secrets.token_hex(8)}"
        temporary.mkdir()  # permissions by the umask: the cache may be shared
        _write(temporary, sets)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
        sync_folder(folder.parent)
    except OSError:  # read-only, full, or written by another process: the next load decodes again
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _load_set(folder: Path, part: str, meta: dict[str, Any], classes: int) -> ImageSet:
    count, fingerprint, shape = meta["count"], meta["fingerprint"], meta["shape"]
    if not isinstance(fingerprint, str):
        raise TypeError(f"{part}: fingerprint {fingerprint!r}")
    if len(shape) != 3:
        raise ValueError(f"{part}: images of shape {shape}")
    images = _map(folder / f"{part}-images.npy", (count, *shape), np.dtype(np.uint8))
    wide = np.dtype(np.uint8 if classes <= 256 else np.uint16)
    labels = _map(folder / f"{part}-labels.npy", (count,), wide)
    if labels.max() >= classes:
        raise ValueError(f"{part}: label {labels.max()}")
    return ImageSet(images, labels, fingerprint)


def _map(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Map a `.npy` file read-only. Raise ValueError if its shape and type aren't exactly these.

    The header is compared, not parsed: given a damaged one, NumPy's reader raises almost any exception.
    """
    header = _header(shape, dtype)
    with path.open("rb") as stream:
        if stream.read(len(header)) != header:
            raise ValueError(f"{path} is not an array of {dtype} of shape {shape}")
    if path.stat().st_size != len(header) + math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{path} has the wrong size")
    return np.memmap(path, dtype, "r", len(header), shape).view(np.ndarray)


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """The header that `np.save` writes for an array."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype.str, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def _write(folder: Path, sets: Sets) -> None:
    meta: dict[str, object] = {"classes": sets.classes, "n_validation": sets.n_validation, "note": sets.note}
    for part, images in (("train", sets.train), ("test", sets.test)):
        _write_array(folder / f"{part}-images.npy", images.images)
        _write_array(folder / f"{part}-labels.npy", images.labels)
        meta[part] = {"count": len(images), "shape": images.shape, "fingerprint": images.fingerprint}
    write_json(folder / META, meta)


def _write_array(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())


MAX_ENTRIES = 8  # of 55 MB each for Fashion-MNIST
STALE_SECONDS = 24 * 3600.0  # after this time a temporary file is no longer in use
TEMPORARY = re.compile(r"\.(new-|apt-).*|\..*\.tmp")


def prune(folder: Path, limit: int = MAX_ENTRIES) -> None:
    """Remove all entries in `folder` except the `limit` most recently used ones.

    A removed entry may be mapped by another process: POSIX keeps the pages of an unlinked file until its last mapping
    is gone. A process that is about to map it finds it missing and decodes the files again.
    """
    with suppress(OSError):
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
        for path in sorted(entries, key=_time, reverse=True)[limit:]:
            shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove this program's temporary files and folders in `folder` that are older than a day."""
    with suppress(OSError):
        for path in folder.iterdir():
            if TEMPORARY.fullmatch(path.name) and _time(path) < time.time() - STALE_SECONDS:
                _remove(path)


def _time(path: Path) -> float:
    return path.lstat().st_mtime


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
