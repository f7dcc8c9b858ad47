"""The cache of decoded arrays, so that only the first load unpacks 30 MB.

An entry is a folder of four `.npy` files and `meta.json`, named after the source files' paths, sizes and
times. It is mapped into memory, not read: several runs share one copy, and a load takes about a millisecond.
An entry's folder is touched when it is used, so that those that nobody uses can be removed (see `tidying`).
Whatever is wrong with an entry, it is simply not used. Pixels are checked only for those who must be sure.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fmnist_tui.data.dataset import CLASS_COUNT, SIDE, ByteArray, ImageSet
from fmnist_tui.data.folder import DataFiles, Sets
from fmnist_tui.files import read_json, sync_folder, write_json

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


def keep(folder: Path, sets: Sets) -> None:
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
