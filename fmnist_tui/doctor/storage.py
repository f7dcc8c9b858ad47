"""The home folder and the runs folder: free space, permissions, locks, sharing with other users."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.files import existing, exists
from fmnist_tui.host.filesystems import Mount, mount_of
from fmnist_tui.host.machine import Check, CheckState, Locks, Machine
from fmnist_tui.keymap import FILE_NAME, KeymapError, read_keymap
from fmnist_tui.paths import (
    cache_folder,
    config_folder,
    home_folder,
    private_temporary_folder,
    user_folder,
    writing_fault,
)
from fmnist_tui.runs.access import owner_of
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.text import amount, counted


def home_checks() -> Iterator[Check]:
    """Whether the home, queue and cache folders can be written, and which folders are used instead."""
    yield _home_check()
    if (keys := _keys_check()) is not None:
        yield keys
    yield _queue_check()
    yield _cache_check()


def _home_check() -> Check:
    home, config = home_folder(), user_folder("config")
    if config is None:
        message = "there is no home folder: settings of the app are not saved"
        return Check("home", CheckState.NOTE, message, "export HOME")
    if fault := writing_fault(config):
        message = f"{config} can't be written ({fault}): settings of the app are not saved"
        return Check("home", CheckState.NOTE, message, _advice(fault, "XDG_CONFIG_HOME"))
    return Check("home", CheckState.OK, f"{home or config}: can be written")


def _keys_check() -> Check | None:
    """Whether the user's own keys can be read; None if there is no file of them."""
    config = config_folder()
    if config is None or not exists(config / FILE_NAME):
        return None
    try:
        count = len(read_keymap(config / FILE_NAME))
    except KeymapError as error:
        return Check("keys", CheckState.NOTE, str(error), "correct the file, or remove it for the default keys")
    return Check("keys", CheckState.OK, f"{config / FILE_NAME}: {counted(count, 'changed key')}")


def _queue_check() -> Check:
    folder = user_folder("state")
    fault = "there is no home folder" if folder is None else writing_fault(folder)
    if not fault:
        return Check("queue", CheckState.OK, f"{folder}: can be written")
    advice = _advice(fault, "XDG_STATE_HOME")
    why = f"{folder} can't be written ({fault})" if folder else fault
    try:
        other = private_temporary_folder()
    except RunError as error:
        return Check("queue", CheckState.PROBLEM, f"{why}, and {error}; nothing can be trained", advice)
    return Check("queue", CheckState.NOTE, f"{why}: queued runs are stored in {other}, until a reboot", advice)


def _cache_check() -> Check:
    own = user_folder("cache")
    try:
        used = cache_folder()
    except RunError as error:
        return Check("cache", CheckState.PROBLEM, str(error), "export HOME or XDG_CACHE_HOME")
    fault = "there is no home folder" if own is None else writing_fault(own, own=False)
    if not fault:
        return Check("cache", CheckState.OK, f"{used}: can be written")
    advice = _advice(fault, "XDG_CACHE_HOME")
    if used == own:
        return Check(
            "cache", CheckState.NOTE, f"{own} is read-only ({fault}): other data is decoded again by each run", advice
        )
    why = f"{own} can't be written ({fault})" if own else fault
    return Check("cache", CheckState.NOTE, f"{why}: data is cached in {used}, until a reboot", advice)


def _advice(fault: str, variable: str) -> str:
    if "quota" in fault or "space" in fault:
        return f"free some space there, or export {variable}=DIR"
    return f"fix this, or export {variable}=DIR"


_LOW_SPACE = 1_000_000_000
"""Bytes."""
_TOO_LITTLE_SPACE = 200_000_000
"""Bytes: v3 with two checkpoints and its final weights."""
_ELSEWHERE = "choose another folder with --runs DIR (or FMNIST_TUI_RUNS)"
_MAX_OWNERS = 3


def no_home_check() -> Check:
    """The check for a machine without a home folder, if no runs folder was given."""
    message = "there is no home folder for runs"
    return Check("runs folder", CheckState.PROBLEM, message, "export HOME, or name a folder with --runs DIR")


def folder_check(machine: Machine, runs: Path) -> Check:
    """Whether runs can be written, and whether this and other machines see their locks. Creates nothing."""
    there = existing(runs)
    message = str(runs) if there == runs else f"{runs} (created by the first run)"
    try:
        locks = machine.locks(there)
    except OSError as error:
        whose = f", it belongs to {owner_of(there)}" if isinstance(error, PermissionError) else ""
        return Check(
            "runs folder", CheckState.PROBLEM, f"{runs} can't be written ({error.strerror}{whose})", _ELSEWHERE
        )
    mount = mount_of(there, machine.root / "proc/self/mountinfo")
    kind = f" ({mount.type})" if mount.type else ""
    if locks is Locks.NONE:
        advice = f"to see at once whether a trainer is running, use a local disk: {_ELSEWHERE}"
        return Check("runs folder", CheckState.NOTE, f"{message}: its file system{kind} doesn't support locks", advice)
    if mount.has_local_locks or (mount.is_remote and locks is Locks.FLOCK):
        advice = "other machines see by the heartbeat, within about 10 s, that a run is being trained here"
        return Check(
            "runs folder",
            CheckState.NOTE,
            f"{message}: can be written; its locks are visible on this machine only{kind}",
            advice,
        )
    return Check("runs folder", CheckState.OK, f"{message}: can be written, {_locks_text(locks, mount)}{kind}")


def _locks_text(locks: Locks, mount: Mount) -> str:
    text = "supports locks" if locks is Locks.OPEN_FILE else "supports locks (flock)"
    return f"{text} that other machines see" if mount.is_remote else text


def sharing_check(machine: Machine, runs: Path) -> Check | None:
    """Whether several users can work in the runs folder; None if only its owner may write to it."""
    try:
        status = runs.stat()
    except OSError:
        return None
    if not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    who = "everyone" if status.st_mode & stat.S_IWOTH else f"group {_group(status.st_gid)}"
    message = f"{who} may write to {runs}"
    mask = re.search(r"^Umask:\s*([0-7]+)", machine.read("proc/self/status"), re.MULTILINE)
    umask = int(mask[1], 8) if mask else 0
    if umask & stat.S_IRGRP:
        advice = "before training, umask 027 lets your group read them, umask 007 also label, stop and resume them"
        return Check(
            "sharing", CheckState.NOTE, f"{message}; your umask {umask:03o} hides your runs from others", advice
        )
    if not status.st_mode & stat.S_ISGID and not status.st_mode & stat.S_IWOTH:
        message = f"{message}; new runs belong to their user's own group"
        return Check("sharing", CheckState.NOTE, message, f"so that they belong to the group: chmod g+s {runs}")
    others = "read" if umask & stat.S_IWGRP else "read, label, stop and resume"
    return Check("sharing", CheckState.OK, f"{message}; with your umask {umask:03o} others can {others} your runs")


def _group(number: int) -> str:
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def disk_check(machine: Machine, runs: Path) -> Check:
    """The free space for runs."""
    try:
        free = machine.free_bytes(existing(runs))
    except OSError as error:
        return Check("disk", CheckState.PROBLEM, f"can't read the free space of {runs} ({error.strerror})", _ELSEWHERE)
    advice = f"delete old runs (`fmnist-tui runs` shows their sizes), or {_ELSEWHERE}"
    if free < _TOO_LITTLE_SPACE:
        return Check("disk", CheckState.PROBLEM, f"{amount(free)} free for runs, too little for one of v3", advice)
    if free < _LOW_SPACE:
        return Check("disk", CheckState.NOTE, f"{amount(free)} free for runs", advice)
    return Check("disk", CheckState.OK, f"{amount(free)} free for runs")


def runs_check(runs: Path) -> Check:
    """The number of runs, their size, and those that are running or can be resumed."""
    try:
        known = [(run, status_of(run)) for run in list_runs(runs)]
    except (RunError, OSError) as error:
        return Check("runs", CheckState.PROBLEM, str(error), _ELSEWHERE)
    if not known:
        return Check("runs", CheckState.OK, "none yet")
    parts = [counted(len(known), "run"), amount(sum(run.size() for run, _ in known))]
    parts += [f"{count} {status}" for status in Status if (count := _count(known, status)) and _is_listed(status)]
    return _check_of(known, ", ".join(parts))


def _check_of(known: list[tuple[RunDirectory, Status]], message: str) -> Check:
    for run, status in known:
        if status is Status.UNRESPONSIVE:
            advice = f"{run.run_id} is not responding: check that its machine is up and its disk isn't full"
            return Check("runs", CheckState.NOTE, message, advice)
    for run, status in known:
        if status is Status.INTERRUPTED:
            return Check("runs", CheckState.NOTE, message, f"to continue: fmnist-tui resume {run.run_id}")
    if hidden := [run for run, status in known if status is Status.UNREADABLE]:
        owners = sorted({owner_of(run.path) for run in hidden})
        whose = ", ".join([*owners[:_MAX_OWNERS], *(["..."] if len(owners) > _MAX_OWNERS else [])])
        advice = f"unreadable runs are excluded from comparisons; {whose} can share them: chmod -R g+rX (or o+rX) RUN"
        return Check("runs", CheckState.NOTE, message, advice)
    return Check("runs", CheckState.OK, message)


def _is_listed(status: Status) -> bool:
    return status.has_trainer or status in (Status.INTERRUPTED, Status.STOPPED, Status.UNREADABLE)


def _count(known: list[tuple[RunDirectory, Status]], wanted: Status) -> int:
    return sum(status is wanted for _, status in known)
