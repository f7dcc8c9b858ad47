"""Fetched files that are kept in the cache: only official ones, and only whole."""

from __future__ import annotations

from pathlib import Path

from fmnist_tui.data.errors import DataError, reason
from fmnist_tui.data.folder import locate
from fmnist_tui.data.idx import decompress
from fmnist_tui.data.official import OfficialFile
from fmnist_tui.files import write_whole


def keep(folder: Path, file: OfficialFile, packed: bytes) -> None:
    """Check that `packed` is the official `file`, gzipped, and write it to `folder` as `<name>.gz`.

    Raises:
        DataError: The bytes are not the official ones, or the folder cannot be written.
    """
    if not file.holds(decompress(packed, file.name)):
        raise DataError(f"{file.name} is not the official file: its sha256 differs")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{file.name}.gz", packed)
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {reason(error)}") from None


def is_kept(folder: Path, file: OfficialFile) -> bool:
    """Whether `folder` holds the official `file` already."""
    try:
        path = locate(folder, file.name)
        return path is not None and file.holds(decompress(path.read_bytes(), file.name))
    except (OSError, DataError):
        return False
