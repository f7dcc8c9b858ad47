"""Where runs, data, caches and the queue are kept: the option, else the environment, else the XDG folders.

A home folder may be missing, read-only, full or another user's. Runs then need a folder that is named; the queue and
caches go to a private folder below the temporary one; choices are not remembered.
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
"""What is written to see whether a folder has room: a quota shows only then."""


@dataclass(frozen=True)
class AppPaths:
    """Where things lie.

    Attributes:
        runs: The runs.
        data: The data, "demo", or None for the usual places.
        cache: Fetched and decoded data.
        config: What a person chose; None for nothing that is remembered.
    """

    runs: Path
    data: str | None
    cache: Path
    config: Path | None = None


class NoHomeError(RunError):
    """There is no home folder, and none was named."""


def home_folder() -> Path | None:
    """The user's home folder, there or not; None where neither HOME nor the list of users says one."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - never raises
    return home if home.is_absolute() else None


def runs_folder(option: str | None) -> Path:
    """The folder of runs: --runs, FMNIST_TUI_RUNS, or the user's data folder.

    Raises:
        NoHomeError: It isn't named, and there is no home folder.
        RunError: It was given, but can't be resolved.
    """
    chosen = option or os.environ.get("FMNIST_TUI_RUNS")
    if chosen:
        return _whole_path(chosen)
    if (folder := user_folder("data")) is None:
        raise NoHomeError("there is no home folder to put runs in; export HOME, or name a folder with --runs DIR")
    return folder / "runs"


def data_folder(option: str | None) -> str | None:
    """The folder that data must come from: --data, FMNIST_TUI_DATA, or None for the usual places; "demo" stays so."""
    chosen = option or os.environ.get("FMNIST_TUI_DATA")
    if not chosen or chosen == "demo":
        return chosen or None
    return str(_whole_path(chosen))


def config_folder() -> Path | None:
    """Where a person's choices are saved; None without a home folder of their own."""
    folder = user_folder("config")
    return None if folder is None or _is_foreign(folder) else folder


def cache_folder() -> Path:
    """Where fetched and decoded data is saved: below the private temporary folder where the user's can't be used.

    A read-only one is used if it holds anything.

    Raises:
        RunError: There is neither a home folder nor a private temporary one.
    """
    folder = user_folder("cache")
    if folder is not None and (_holds_something(folder) or not writing_fault(folder, own=False)):
        return folder
    try:
        return private_temporary_folder() / "cache"
    except RunError:
        if folder is None:
            raise
        return folder


def state_folder() -> Path:
    """The folder of this user's queue, created if need be: the XDG state folder, or a private temporary one.

    The latter is used where there is no home folder, or it is read-only, full, over its quota or another user's.
    Hosts that share a home share the folder: what belongs to one host needs its name.

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
    """Where this user's queue may be already: those of the two folders that exist. Creates and writes nothing."""
    folders = [user_folder("state"), _temporary_folder()]
    return [folder for folder in folders if folder is not None and is_folder(folder) and _is_ours(folder)]


def private_temporary_folder() -> Path:
    """A folder below the temporary one that only this user can read or write, made if need be.

    Raises:
        RunError: It can't be created, or belongs to another user, or is open to others.
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
            folder.chmod(0o700)  # whatever the umask left of it
        mode = folder.lstat().st_mode
    except OSError as error:
        raise RunError(f"{folder} can't be made ({error.strerror}); export HOME or TMPDIR") from None
    if not stat.S_ISDIR(mode) or stat.S_IMODE(mode) != 0o700 or not _is_ours(folder):
        raise RunError(f"{folder} is not a private folder of yours; remove it, or export HOME or TMPDIR")
    return folder


def app_paths(runs: str | None, data: str | None) -> AppPaths:
    """All of them, from the options --runs and --data."""
    return AppPaths(runs_folder(runs), data_folder(data), cache_folder(), config_folder())


def user_folder(kind: Literal["data", "config", "cache", "state"]) -> Path | None:
    """The user's folder of a kind, by XDG_*_HOME or the home folder; None where there is neither."""
    try:
        folder = Path(getattr(platformdirs, f"user_{kind}_dir")(_APP))
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # older releases take a relative one, or leave "~" as it is


def _is_foreign(folder: Path) -> bool:
    """Whether root works in another user's home: folders that root makes there would be of no use to that user."""
    try:
        return os.getuid() == 0 and existing(folder).stat().st_uid != 0
    except OSError:
        return True


def _holds_something(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def writing_fault(folder: Path, *, own: bool = True) -> str:
    """Why this user can't write to a folder, or make it ("disk quota exceeded"), or "". Leaves nothing.

    A file is written, as that alone shows a quota; on NFS closing it does. `own`: a folder of another user that can be
    written won't do.
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


def _whole_path(folder: str) -> Path:
    """The folder as a path from the root.

    Raises:
        RunError: It begins with a home folder, or lies in the current one, and there is none.
    """
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError:
        raise RunError(f"can't tell which folder {folder} is: there is no such home folder; export HOME") from None
    except FileNotFoundError:
        raise RunError("the folder that you are in was removed; cd to another one") from None
