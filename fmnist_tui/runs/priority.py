"""Trainers on this machine give way to the app while keys are pressed in it.

On Linux, a busy trainer takes up to half of the CPU that answers a key. Its nice value wouldn't change that: CPU time
is divided between sessions first (autogroup, see sched(7)), and each trainer has a session of its own. A session's nice
value may be raised and restored without privileges; it has no effect while a CPU is idle.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import is_trained_by, read_heartbeat

YIELDING = 10
"""The nice value of a trainer's session that gives way: a tenth of the usual share."""
_USUAL = 0
_ATTEMPTS, _PAUSE_SECONDS = 5, 0.11
"""The kernel refuses a second change within a tenth of a second."""


class GivingWay:
    """The trainers that give way at present."""

    def __init__(self) -> None:
        self._lowered: dict[RunDirectory, int] = {}
        self._lock = threading.Lock()
        self._over = False

    def update(self, runs: Iterable[RunDirectory]) -> None:
        """Lets the trainers of these runs give way, and no others; what can't be changed now is left to the next time.

        Trainers on other machines, of other users, and those in a session with a priority of its own are left alone;
        those that a killed app left behind are restored as well.
        """
        wanted = {run: beat.pid for run in runs if (beat := read_heartbeat(run)) and beat.is_from_here}
        with self._lock:
            if self._over:
                return
            self._restore(keep=wanted)
            for run, pid in wanted.items():
                if is_trained_by(pid, run) and _is_apart(pid):
                    _set_nice(pid, YIELDING, instead_of=_USUAL)
                    if _nice(pid) == YIELDING:
                        self._lowered[run] = pid

    def end(self) -> None:
        """Restores all of them, within half a second, and changes nothing any more."""
        with self._lock:
            self._over = True
            for _ in range(_ATTEMPTS):
                self._restore()
                if not self._lowered:
                    return
                time.sleep(_PAUSE_SECONDS)

    def _restore(self, keep: Iterable[RunDirectory] = ()) -> None:
        for run in self._lowered.keys() - set(keep):
            pid = self._lowered[run]
            if not is_trained_by(pid, run) or _nice(pid) != YIELDING or _set_nice(pid, _USUAL, instead_of=YIELDING):
                del self._lowered[run]


def _is_apart(pid: int) -> bool:
    """Whether the process is in another session than this one."""
    return _session(pid)[0] not in ("", _session("self")[0])


def _nice(pid: int) -> int | None:
    return _session(pid)[1]


def _set_nice(pid: int, nice: int, *, instead_of: int) -> bool:
    if _nice(pid) == instead_of:
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(nice), encoding="ascii")
            return True
    return False


def _session(process: int | str) -> tuple[str, int | None]:
    """The name of the session's group and its nice value; "" and None where the kernel has no such groups."""
    try:
        name, _, nice = Path(f"/proc/{process}/autogroup").read_text(encoding="ascii").partition(" nice ")
        return name, int(nice)
    except (OSError, ValueError):
        return "", None
