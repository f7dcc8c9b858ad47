"""Fetched files that are kept in the cache: only official ones, and only whole."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from fmnist_tui.data.errors import DataError, unwritable
from fmnist_tui.data.folder import locate
from fmnist_tui.data.official import OfficialFile
from fmnist_tui.data.unpacking import read_at_most, unpacked
from fmnist_tui.files import write_whole


def keep(folder: Path, file: OfficialFile, packed: bytes) -> None:
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
