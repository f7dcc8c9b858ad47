"""Error messages for when another user's run, or a file system, denies access."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.files import existing
from fmnist_tui.runs.directory import RunDirectory, find_run

_FULL = (errno.ENOSPC, errno.EDQUOT)


def refused(what: str, path: Path, error: OSError, again: str = "") -> RunError:
    """One line on what can't be done: why, whose the files are, and what helps.

    Args:
        what: What can't be done ("write to /runs/v0").
        path: What it was tried on.
        error: What the system said.
        again: The command that does it once the reason is gone, or "" for the one that was tried.
    """
    then = f"then: {again}" if again else "then try again"
    refusing = Path(error.filename) if isinstance(error.filename, str) else path
    if error.errno == errno.EPERM:  # deleting from a folder with the sticky bit, for one: no right to write would help
        advice = f"it belongs to {owner_of(path)}, who alone may do so"
    elif error.errno == errno.EACCES:
        advice = _ask_owner(existing(refusing))
    elif error.errno == errno.EROFS:
        advice = "do it on a machine that may write there"
    elif error.errno in _FULL:
        advice = f"make room, {then}"
    else:
        advice = f"see to that, {then}"
    return RunError(f"can't {what} ({error.strerror}); {advice}")


def check_readable(run: RunDirectory) -> None:
    """Does nothing where a run can be read.

    Raises:
        RunError: It can't; the line says whose it is.
    """
    if why := run.unreadable():
        raise RunError(f"run {run.run_id} can't be read ({why}); {_ask_owner(run.path, 'r')}")


def find_readable(runs: Path, word: str) -> RunDirectory:
    """The run that `word` means, as `find_run`, for those who want to read it.

    Raises:
        RunError: None, more than one, or one that can't be read.
    """
    run = find_run(runs, word)
    check_readable(run)
    return run


def owner_of(path: Path) -> str:
    """The name of the user that a file, or the nearest folder above it, belongs to; its number where it has none."""
    try:
        owner = existing(path).stat().st_uid
    except OSError:
        return "somebody else"
    return _name(owner)


def _ask_owner(path: Path, right: str = "w") -> str:
    """Whose it is, and which right would help: "r" or "w"."""
    mode = "rX" if right == "r" else "rwX"
    if path.is_symlink():  # to anywhere: no advice to change the mode of its target
        return f"it is a link to {os.path.realpath(path)}, which belongs to {owner_of(path)}"
    if (owner := owner_of(path)) == _name(os.getuid()):
        return f"it is yours: chmod -R u+{mode} {path}"
    if owner == "root":
        return f"it belongs to root: have it given to you (chown -R) or opened to your group (chmod -R g+{mode} {path})"
    return f"it belongs to {owner}, who can open it to your group: chmod -R g+{mode} {path}"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # of another machine, or a container's made-up user
        return f"user {uid}"
