"""A trainer's heartbeat: a small file, rewritten about every second, that other hosts see even where they see no locks.

On the machine that holds a lock, the lock decides. On file systems whose locks are local to a node, the heartbeat is
all that another node sees. Its age is measured with one clock only: the file system's own, or, if nothing can be
written, this process's monotonic clock between two observations. The clocks of two machines are never compared.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fmnist_tui.files import is_folder, open_nofollow
from fmnist_tui.host.node import boot_id, host_name
from fmnist_tui.runs.directory import RunDirectory

BEAT_SECONDS = 1.0
STALE_SECONDS = 10.0
OBSERVE_SECONDS = 2.5
"""How long a reader without write access watches a heartbeat that may have stopped."""
_CLOCK_SECONDS = 30.0
"""How long a comparison of the file system's clock with the monotonic one stays valid."""
_EXACT_SECONDS = 1.0
"""The same for a heartbeat that seems to have stopped: the clock may have been set meanwhile."""
_LARGEST = 4096


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content; the defaults are for keys that 0.1.0 didn't write.

    Attributes:
        pid: The trainer's process id, on its host.
        host: The host's name, or "".
        boot: The boot id of that host's kernel; locks don't outlive a boot.
        time: The trainer's own clock (unix seconds), for people; never compared.
        attempt: The trainer's number.
        ended: Whether the trainer exited cleanly.
    """

    pid: int = 0
    host: str = ""
    boot: str = ""
    time: float = 0.0
    attempt: int = 0
    ended: bool = False

    @property
    def is_from_here(self) -> bool:
        """Whether it was written on this host, where locks decide; assumed if it doesn't name a host."""
        return (not self.host or self.host == host_name()) and (not self.boot or self.boot == boot_id())


@dataclass
class _Observation:
    """When this process first saw a heartbeat, and saw it change last (monotonic seconds)."""

    stamp: tuple[int, int, bytes]
    first: float
    changed: float | None = None


_observations: dict[Path, _Observation] = {}
_clocks: dict[int, tuple[float, float]] = {}


def read_heartbeat(run: RunDirectory) -> Heartbeat | None:
    """The run's heartbeat, or None if there is none, or it can't be read."""
    content = _content(run.heartbeat)
    return _decoded(content[1]) if content else None


def is_trained_by(pid: int, run: RunDirectory) -> bool:
    """Whether the process is a trainer of the run on this machine, and not this process; numbers are reused."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended, or the system has no /proc
        return False
    return pid != os.getpid() and os.fsencode(run.run_id) in command


def is_fresh(run: RunDirectory, observe: float = OBSERVE_SECONDS) -> bool:
    """Whether the run's trainer has beaten within the last STALE_SECONDS.

    Args:
        run: The run.
        observe: Seconds to wait for the next beat if the file system's clock can't be read.
    """
    found = _content(run.heartbeat)
    if found is None:
        return False
    status, content = found
    beat = _decoded(content)
    if beat is None or beat.ended:
        return False
    age = age_of(status, run.path)
    return _is_seen_to_change(run.heartbeat, observe) if age is None else age < STALE_SECONDS


def is_stale(run: RunDirectory) -> bool:
    """Whether there is a heartbeat that has certainly stopped without a clean exit. Never waits."""
    found = _content(run.heartbeat)
    if found is None or ((beat := _decoded(found[1])) is not None and beat.ended):
        return False
    age = age_of(found[0], run.path)
    if age is None:
        observation = _observe(run.heartbeat)
        return (
            observation is not None and time.monotonic() - (observation.changed or observation.first) >= STALE_SECONDS
        )
    return age >= STALE_SECONDS


def is_seen_to_beat(run: RunDirectory, seconds: float | None = None) -> bool:
    """Whether the heartbeat changes within so many seconds (by default OBSERVE_SECONDS), regardless of any clock."""
    first = _content(run.heartbeat)
    until = time.monotonic() + (OBSERVE_SECONDS if seconds is None else seconds)
    while time.monotonic() < until:
        time.sleep(0.1)
        if (now := _content(run.heartbeat)) and (first is None or _stamp(now) != _stamp(first)):
            return True
    return False


def write_heartbeat(run: RunDirectory, attempt: int = 0, *, starting: bool = False, ended: bool = False) -> None:
    """Write the heartbeat. Errors are ignored: a full disk must not end the run, and the lock still shows that it runs.

    Args:
        run: The run.
        attempt: The trainer's number.
        starting: The process that will train doesn't exist yet, so there is no pid.
        ended: The trainer exits.
    """
    beat = Heartbeat(
        pid=0 if starting else os.getpid(),
        host=host_name(),
        boot=boot_id(),
        time=round(time.time(), 3),
        attempt=attempt,
        ended=ended,
    )
    content = msgspec.json.encode(beat) + b"\n"
    temporary = run.path / ".heartbeat.tmp"
    try:
        temporary.unlink(missing_ok=True)  # should it be a pipe
        if is_folder(run.heartbeat):
            run.heartbeat.rmdir()
        with temporary.open("xb") as file:  # never through a link that another user put there
            file.write(content)
        temporary.replace(run.heartbeat)
    except OSError:  # on a full disk an existing file can still be overwritten
        with suppress(OSError), open(run.heartbeat, "r+b", opener=open_nofollow) as file:
            file.write(content.rstrip().ljust(run.heartbeat.stat().st_size - 1) + b"\n")
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def ticking(tick: Callable[[], bool], seconds: float, name: str) -> Iterator[None]:
    """Call `tick` from a thread, at once and then every so many seconds, until the block ends or it returns False.

    Args:
        tick: What to do.
        seconds: The interval.
        name: The thread's name.
    """
    stop = threading.Event()

    def run() -> None:
        while tick() and not stop.wait(seconds):
            pass

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def beating(run: RunDirectory, attempt: int, each_second: Callable[[], bool]) -> Iterator[None]:
    """Refresh the heartbeat about every second, from a thread, for as long as the block lasts.

    Args:
        run: The run.
        attempt: The trainer's number.
        each_second: Called before each beat; once it returns False, nothing more is written: the heartbeat may be
            another trainer's by now.
    """
    is_ours = True

    def beat(*, ended: bool = False) -> bool:
        nonlocal is_ours
        is_ours = is_ours and each_second()
        if is_ours:
            write_heartbeat(run, attempt, ended=ended)
        return is_ours

    try:
        with ticking(beat, BEAT_SECONDS, "heartbeat"):
            yield
    finally:
        beat(ended=True)


def file_system_time(folder: Path, trusted: float = _CLOCK_SECONDS) -> float | None:
    """The clock that stamps files in a folder (unix seconds), e.g. a file server's; None if the folder isn't writable.

    Args:
        folder: Any folder on the file system.
        trusted: Seconds for which an earlier measurement stays valid.
    """
    try:
        device = folder.stat().st_dev
    except OSError:
        return None
    measured = _clocks.get(device)
    if measured is None or time.monotonic() - measured[0] > trusted:
        now = _stamp_of_new_file(folder)
        if now is None:
            return None
        measured = _clocks[device] = (time.monotonic(), now)
    return measured[1] + time.monotonic() - measured[0]


def age_of(status: os.stat_result, folder: Path) -> float | None:
    """Seconds since a file was written, by the clock that stamped it; None if that clock can't be read.

    A timestamp in the future is from before that clock was set back: no age follows from it.

    Args:
        status: The file's status.
        folder: The file's folder.
    """
    age = _age_of(status, folder, _CLOCK_SECONDS)
    return age if age is None or age < STALE_SECONDS else _age_of(status, folder, _EXACT_SECONDS)


def _age_of(status: os.stat_result, folder: Path, trusted: float) -> float | None:
    now = file_system_time(folder, trusted) or file_system_time(folder.parent, trusted)
    if now is None or now < status.st_mtime - BEAT_SECONDS:
        return None
    return max(0.0, now - status.st_mtime)


def _stamp_of_new_file(folder: Path) -> float | None:
    name = folder / f".clock.{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return None
    try:
        os.write(handle, b"\n")  # the time of the first write is the server's; that of an empty file may be ours
        os.fsync(handle)
        return os.fstat(handle).st_mtime
    except OSError:
        return None
    finally:
        os.close(handle)
        with suppress(OSError):
            name.unlink()


def _content(path: Path) -> tuple[os.stat_result, bytes] | None:
    """Status and content from one opening of the file, which makes a network file system refresh them."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # should it be a pipe
    except OSError:
        return None
    try:
        return os.fstat(handle), os.read(handle, _LARGEST)
    except OSError:
        return None
    finally:
        os.close(handle)


def _decoded(content: bytes) -> Heartbeat | None:
    try:
        return msgspec.json.decode(content, type=Heartbeat)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _observe(path: Path) -> _Observation | None:
    found = _content(path)
    if found is None:
        return None
    stamp = _stamp(found)
    observation = _observations.get(path)
    if observation is None:
        observation = _observations[path] = _Observation(stamp, time.monotonic())
    elif observation.stamp != stamp:
        observation.stamp, observation.changed = stamp, time.monotonic()
    return observation


def _stamp(found: tuple[os.stat_result, bytes]) -> tuple[int, int, bytes]:
    status, content = found
    return status.st_mtime_ns, status.st_ino, content


def _is_seen_to_change(path: Path, seconds: float) -> bool:
    """Whether it changes while it is observed; the heartbeats of all other runs are observed at the same time."""
    if path not in _observations:
        for other in path.parent.parent.glob(f"*/{path.name}"):
            _observe(other)
    while (observation := _observe(path)) is not None:
        now = time.monotonic()
        if observation.changed is not None and now - observation.changed < STALE_SECONDS:
            return True
        if now - observation.first >= seconds:
            return False
        time.sleep(min(0.25, seconds))
    return False
