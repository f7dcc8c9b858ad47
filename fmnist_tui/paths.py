"""The folders of runs, data, caches and the queue: from the option, else the environment, else the XDG folders.

If the home folder is missing, read-only, full or another user's, a runs folder has to be given, the queue and caches go
to a private temporary folder, and settings are not saved.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from fmnist_tui.errors import RunError
from fmnist_tui.files import existing, is_folder

_APP = "fmnist-tui"
_PROBE = bytes(4096)
"""Written to check for free space: a quota only shows when something is written."""


@dataclass(frozen=True)
class AppPaths:
    """The folders that the app and the commands use.

    Attributes:
        runs: The runs folder.
        data: The folder of the data, "demo", or None for the default sources.
        cache: Downloaded and decoded data.
        config: The user's settings; None if they are not saved.
    """

    runs: Path
    data: str | None
    cache: Path
    config: Path | None = None


class NoHomeError(RunError):
    """There is no home folder, and no runs folder was given."""


def home_folder() -> Path | None:
    """The user's home folder, existing or not; None if neither HOME nor the user database has one."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - never raises
    return home if home.is_absolute() else None


def without_tilde(folder: str) -> str:
    """A folder that a person typed, with ~ replaced by the home folder."""
    return os.path.expanduser(folder)  # noqa: PTH111 - Path's raises errors


def runs_folder(option: str | None) -> Path:
    """The runs folder: --runs, FMNIST_TUI_RUNS, or a folder in the user's data folder.

    Raises:
        NoHomeError: None is given, and there is no home folder.
        RunError: One is given, but can't be resolved.
    """
    chosen = option or os.environ.get("FMNIST_TUI_RUNS")
    if chosen:
        return _absolute_path(chosen)
    if (folder := user_folder("data")) is None:
        raise NoHomeError("there is no home folder for runs; export HOME, or name a folder with --runs DIR")
    return folder / "runs"


def data_folder(option: str | None) -> str | None:
    """The only data source: --data or FMNIST_TUI_DATA, a folder or "demo"; None for the default sources."""
    chosen = option or os.environ.get("FMNIST_TUI_DATA")
    if not chosen or chosen == "demo":
        return chosen or None
    return str(_absolute_path(chosen))


def config_folder() -> Path | None:
    """The folder for the user's settings; None without a home folder of their own."""
    folder = user_folder("config")
    return None if folder is None or _is_foreign(folder) else folder


def cache_folder() -> Path:
    """The folder for downloaded and decoded data, in the private temporary folder if the user's can't be used.

    A read-only one is used unless it is empty.

    Raises:
        RunError: There is neither a home folder nor a private temporary one.
    """
    folder = user_folder("cache")
    if folder is not None and (_is_not_empty(folder) or not writing_fault(folder, own=False)):
        return folder
    try:
        return private_temporary_folder() / "cache"
    except RunError:
        if folder is None:
            raise
        return folder


def state_folder() -> Path:
    """The folder of this user's queue, created if needed: the XDG state folder, or a private temporary one.

    The latter is used if there is no home folder, or it is read-only, full, over quota or another user's. Hosts that
    share a home folder share this one, so files of one host must contain its name.

    Raises:
        RunError: Neither can be used.
    """
    folder = user_folder("state")
    if folder is not None and not writing_fault(folder):
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            return folder
    return private_temporary_folder()


def used_state_folders() -> list[Path]:
    """The existing ones of the two folders that `state_folder` may return. Creates and writes nothing."""
    folders = [user_folder("state"), _temporary_folder()]
    return [folder for folder in folders if folder is not None and is_folder(folder) and _is_ours(folder)]


def private_temporary_folder() -> Path:
    """A folder in the temporary folder that only this user can read or write, created if needed.

    Raises:
        RunError: It can't be created, belongs to another user, or is accessible to others.
    """
    folder = _temporary_folder()
    if folder is None:
        raise RunError("no temporary folder can be written; export HOME or TMPDIR")
    try:
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            pass
        else:
            folder.chmod(0o700)  # regardless of the umask
        mode = folder.lstat().st_mode
    except OSError as error:
        raise RunError(f"{folder} can't be created ({error.strerror}); export HOME or TMPDIR") from None
    if not stat.S_ISDIR(mode) or stat.S_IMODE(mode) != 0o700 or not _is_ours(folder):
        raise RunError(f"{folder} is not a private folder of yours; remove it, or export HOME or TMPDIR")
    return folder


def app_paths(runs: str | None, data: str | None) -> AppPaths:
    """All folders, from the options --runs and --data."""
    return AppPaths(runs_folder(runs), data_folder(data), cache_folder(), config_folder())


def user_folder(kind: Literal["data", "config", "cache", "state"]) -> Path | None:
    """The user's XDG folder of a kind, from XDG_*_HOME or the home folder; None if there is neither."""
    try:
        folder = Path(getattr(platformdirs, f"user_{kind}_dir")(_APP))
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # older platformdirs accept relative paths, or leave "~" in place


def _is_foreign(folder: Path) -> bool:
    """Whether root works in another user's home folder, where that user couldn't use folders created by root."""
    try:
        return os.getuid() == 0 and existing(folder).stat().st_uid != 0
    except OSError:
        return True


def _is_not_empty(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def writing_fault(folder: Path, *, own: bool = True) -> str:
    """Why this user can't write to a folder, or create it ("disk quota exceeded"); "" if they can. Leaves no files.

    A temporary file is written, since a quota only shows then (on NFS, when the file is closed).

    Args:
        folder: The folder, existing or not.
        own: Whether a folder of another user counts as a fault even if it can be written.
    """
    nearest = existing(folder)
    if not is_folder(nearest):
        return "not a directory"
    if _is_foreign(folder) or (own and nearest == folder and not _is_ours(folder)):
        return "it belongs to another user"
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(_PROBE)
    except OSError as error:
        return str(error.strerror).lower()
    return ""


def _is_ours(folder: Path) -> bool:
    try:
        return folder.lstat().st_uid == os.getuid()
    except OSError:
        return False


def _temporary_folder() -> Path | None:
    """The private folder, existing or not; None where there is no folder for temporary files at all."""
    try:
        return Path(tempfile.gettempdir()) / f"{_APP}-{os.getuid()}"
    except OSError:
        return None


def _absolute_path(folder: str) -> Path:
    """The folder as an absolute path.

    Raises:
        RunError: It starts with ~ and there is no home folder, or it is relative and the working directory is gone.
    """
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError:
        raise RunError(f"can't resolve {folder}: there is no such home folder; export HOME") from None
    except FileNotFoundError:
        raise RunError("the working directory was removed; cd to another one") from None
