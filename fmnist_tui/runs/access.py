"""Error messages for when another user's run, or a file system, denies access."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.files import existing
from fmnist_tui.runs.directory import RunDirectory, find_run, is_run_id

_FULL = (errno.ENOSPC, errno.EDQUOT)


def refused(what: str, path: Path, error: OSError, again: str = "") -> RunError:
    """The error for what can't be done: the reason, who owns the files, and what helps.

    Args:
        what: What can't be done ("write to /runs/v0").
        path: The file or folder.
        error: The system's error.
        again: The command to run once the reason is gone, or "" for the one that failed.
    """
    refusing = Path(error.filename) if isinstance(error.filename, str) else path
    if error.errno == errno.ENOENT and (gone := _deleted_run(refusing)):
        return RunError(f"can't {what}: run {gone} was deleted or moved meanwhile; `fmnist-tui runs` lists the others")
    then = f"then: {again}" if again else "then try again"
    if error.errno == errno.EPERM:  # e.g. deleting from a folder with the sticky bit: write permission would not help
        advice = f"it belongs to {owner_of(path)}, and only they may do so"
    elif error.errno == errno.EACCES:
        advice = _ask_owner(existing(refusing))
    elif error.errno == errno.EROFS:
        advice = "use a machine with write access to it"
    elif error.errno in _FULL:
        advice = f"free some space, {then}"
    else:
        advice = f"fix that, {then}"
    return RunError(f"can't {what} ({error.strerror}); {advice}")


def check_readable(run: RunDirectory) -> None:
    """Check that a run can be read.

    Raises:
        RunError: It can't be; the message names its owner.
    """
    if why := run.unreadable():
        raise RunError(f"run {run.run_id} can't be read ({why}); {_ask_owner(run.path, 'r')}")


def find_readable(runs: Path, ref: str) -> RunDirectory:
    """The run that `ref` identifies, as `find_run`, provided that it can be read.

    Raises:
        RunError: There is no such run, or more than one, or it can't be read.
    """
    run = find_run(runs, ref)
    check_readable(run)
    return run


def owner_of(path: Path) -> str:
    """The name of the user who owns a file, or the nearest existing folder above it; the uid if there is no name."""
    try:
        owner = existing(path).stat().st_uid
    except OSError:
        return "another user"
    return _name(owner)


def _deleted_run(path: Path) -> str:
    """The id of the run that the path led to, if it is no longer there, or ""."""
    return next((one.name for one in (path, *path.parents) if is_run_id(one.name) and not os.path.lexists(one)), "")


def _ask_owner(path: Path, right: str = "w") -> str:
    """Who owns it, and how to get a permission: "r" or "w"."""
    mode = "rX" if right == "r" else "rwX"
    if path.is_symlink():  # its target may be anything: no advice to change its mode
        return f"it is a link to {os.path.realpath(path)}, which belongs to {owner_of(path)}"
    if (owner := owner_of(path)) == _name(os.getuid()):
        return f"it is yours: chmod -R u+{mode} {path}"
    if owner == "root":
        return f"it belongs to root: ask for ownership (chown -R) or group access (chmod -R g+{mode} {path})"
    return f"it belongs to {owner}, who can open it to your group: chmod -R g+{mode} {path}"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # of another machine or a container
        return f"user {uid}"
