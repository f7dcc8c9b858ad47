"""The cache: fetched files (only official ones, only whole), decoded arrays, and its clean-up."""

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

from fmnist_tui.data.dataset import CLASS_COUNT, SIDE, ByteArray, ImageSet
from fmnist_tui.data.errors import DataError, unwritable
from fmnist_tui.data.folder import DataFiles, Sets, locate
from fmnist_tui.data.official import OfficialFile
from fmnist_tui.data.reading import read_at_most, unpacked
from fmnist_tui.files import read_json, sync_folder, write_json, write_whole


def keep_file(folder: Path, file: OfficialFile, packed: bytes) -> None:
    """Check that `packed` is the official `file`, gzipped, and write it to `folder`, which is there, as `<name>.gz`.

    Raises:
        DataError: The bytes are not the official ones.
        CacheError: The folder cannot be written.
    """
    try:
        is_official = _holds(file, packed)
    except DataError:
        raise DataError(f"{file.name} is not the official file: it cannot be unpacked") from None
    if not is_official:
        raise DataError(f"{file.name} is not the official file: its sha256 differs")
    try:
        write_whole(folder / f"{file.name}.gz", packed)
    except OSError as error:
        raise unwritable(folder, error) from None


def make_folder(folder: Path) -> None:
    """Make the folder for fetched files, and see that it can be written before anything is fetched for it.

    Raises:
        CacheError: It cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error) from None


def is_kept(folder: Path, file: OfficialFile) -> bool:
    """Whether `folder` holds the official `file` already."""
    try:
        path = locate(folder, file.name)
        return path is not None and _holds(file, path.read_bytes())
    except (OSError, DataError):
        return False


def _holds(file: OfficialFile, packed: bytes) -> bool:
    """Whether `packed`, gzipped or not, is the official `file`; no more of it is unpacked than that takes."""
    return file.holds(bytes(read_at_most(unpacked(io.BytesIO(packed), file.name), file.size + 1)))


FORMAT = 1
META = "meta.json"
FOLDER = "arrays"  # in the cache


def entry(cache: Path, files: DataFiles) -> Path:
    """Return the folder in `cache` for `files` as they are now.

    Raises:
        OSError: A file is not there any more.
    """
    facts: list[object] = [FORMAT]
    for path in files.paths:
        status = path.stat()
        facts.append([os.fspath(path.resolve()), status.st_size, status.st_mtime_ns])
    return cache / FOLDER / hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def recall(folder: Path, *, verify: bool = False) -> Sets | None:
    """Return the training set and the test set cached in `folder`, or None where they are not all right.

    With `verify` every pixel is read and compared with the fingerprint, in some 50 ms.
    """
    try:
        meta = read_json(folder / META) or {}
        sets = _recall_set(folder, "train", meta["train"]), _recall_set(folder, "test", meta["test"])
        if verify and not all(images.is_intact() for images in sets):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    with suppress(OSError):  # a read-only cache is nobody's to prune
        os.utime(folder)
    return sets


def keep_arrays(folder: Path, sets: Sets) -> None:
    """Write `sets` to `folder`, in place of what is there. A cache that cannot be written stays as it is."""
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.parent / f".new-{secrets.token_hex(8)}"
        temporary.mkdir()  # with the rights that the umask leaves: others may share the cache
        _write(temporary, sets)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
        sync_folder(folder.parent)
    except OSError:  # read-only, full, or another process was faster: the next load decodes again
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _recall_set(folder: Path, part: str, facts: dict[str, Any]) -> ImageSet:
    count, fingerprint = facts["count"], facts["fingerprint"]
    if not isinstance(fingerprint, str):
        raise TypeError(f"{part}: fingerprint {fingerprint!r}")
    images = _map(folder / f"{part}-images.npy", (count, SIDE, SIDE))
    labels = _map(folder / f"{part}-labels.npy", (count,))
    if labels.max() >= CLASS_COUNT:
        raise ValueError(f"{part}: label {labels.max()}")
    return ImageSet(images, labels, fingerprint)


def _map(path: Path, shape: tuple[int, ...]) -> ByteArray:
    """Map a `.npy` file of bytes, read-only. Raises ValueError unless it is of exactly this shape.

    The header is compared, not interpreted: on a damaged one NumPy's reader raises almost anything.
    """
    header = _header(shape)
    with path.open("rb") as stream:
        if stream.read(len(header)) != header:
            raise ValueError(f"{path} is not an array of bytes of shape {shape}")
    if path.stat().st_size != len(header) + math.prod(shape):
        raise ValueError(f"{path} has the wrong size")
    return np.memmap(path, np.uint8, "r", len(header), shape).view(np.ndarray)


def _header(shape: tuple[int, ...]) -> bytes:
    """Return what `np.save` writes before an array of bytes."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()


def _write(folder: Path, sets: Sets) -> None:
    meta: dict[str, object] = {}
    for part, images in zip(("train", "test"), sets, strict=True):
        _write_array(folder / f"{part}-images.npy", images.images)
        _write_array(folder / f"{part}-labels.npy", images.labels)
        meta[part] = {"count": len(images), "fingerprint": images.fingerprint}
    write_json(folder / META, meta)


def _write_array(path: Path, array: ByteArray) -> None:
    with path.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())


KEPT_ENTRIES = 8  # of 55 MB each, for Fashion-MNIST
LEFT_BEHIND = 24 * 3600.0  # seconds after which nobody works on a temporary file any more
TEMPORARY = re.compile(r"\.(new-|apt-).*|\..*\.tmp")


def prune(folder: Path, kept: int = KEPT_ENTRIES) -> None:
    """Remove all folders in `folder` but the `kept` that were used last, by their time of change.

    An entry that another process has mapped may be among them: POSIX keeps the pages of an unlinked file until
    the last mapping is gone. A process that is about to map one finds it missing and decodes its files again.
    """
    with suppress(OSError):
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
        for path in sorted(entries, key=_time, reverse=True)[kept:]:
            shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove this program's temporary files and folders in `folder` that are older than a day."""
    with suppress(OSError):
        for path in folder.iterdir():
            if TEMPORARY.fullmatch(path.name) and _time(path) < time.time() - LEFT_BEHIND:
                _remove(path)


def _time(path: Path) -> float:
    return path.lstat().st_mtime


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
