"""The queue: one file for each user and host, changed only under its lock."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import exists, write_atomically
from fmnist_tui.host.node import host_name, slurm_job
from fmnist_tui.paths import used_state_folders

Record = TypeVar("Record", bound=msgspec.Struct)

AUTO = 0
"""In place of a number of runs that share a GPU: as many as measurements allow."""

_LARGEST = 64_000_000
"""Bytes; ten thousand queued runs take a tenth of this."""
_PATIENCE = 30.0
"""Seconds to wait for a process that is changing the queue, which takes milliseconds."""


def encoded(record: msgspec.Struct) -> bytes:
    """The record as a line of JSON. A path may have bytes that aren't valid text, which msgspec's encoder rejects."""
    return json.dumps(msgspec.to_builtins(record), separators=(",", ":")).encode() + b"\n"


def decoded(content: bytes, kind: type[Record]) -> Record:
    """The record that `encoded` wrote.

    Raises:
        ValueError: It is damaged.
    """
    try:
        return msgspec.convert(json.loads(content), kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(str(error)) from None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A queued run.

    Attributes:
        run: Its folder.
        created: When it was requested (unix seconds).
        needs: The device as text: "cpu", "cuda", "cuda:1", "mps".
        gpus: Keys of the devices any of which will do, with their PyTorch indices; empty for the CPU.
        cpus: The indices of the CPUs that the run may use; empty if the system doesn't report them.
        cpu_count: How many of them it may keep busy (a cgroup's quota may be lower than their number).
        threads: How many it uses; 0 for a run on a GPU.
        in_app: The lock file of the process that trains the run itself; "" for a trainer process.
        python: The interpreter.
        environment: The name of the file with the environment of the process that requested the run.
        umask: That process's file mode mask.
        nice: That process's scheduling priority.
        any_threads: Whether it may use fewer threads: no number was requested, and it hasn't begun.
        per_gpu: How many runs may share its GPU; `AUTO` for as many as measurements allow.
        alone: Whether it needs a GPU of its own, because there wasn't enough memory beside others.
        avoid_busy: Whether GPUs that other people use are left to them.
        cpu_slots: How many runs may share the CPUs; 0 for as many as there are CPUs for their threads.
        priority: Runs of a higher priority start first.
        held: Why it doesn't start until it is released; "" if it may start.
        after: The folder of the run that must succeed first, or "".
        model: What its memory and speed depend on: "v3, batch size 128".
        images: The number of training images in all of its epochs, 0 if unknown.
    """

    run: str
    created: float
    needs: str
    gpus: tuple[tuple[str, int], ...] = ()
    cpus: tuple[int, ...] = ()
    cpu_count: int = 1
    threads: int = 0
    in_app: str = ""
    python: str = ""
    environment: str = ""
    umask: int = 0o022
    nice: int = 0
    any_threads: bool = False
    per_gpu: int = 1
    alone: bool = False
    avoid_busy: bool = False
    cpu_slots: int = 0
    priority: int = 0
    held: str = ""
    after: str = ""
    model: str = ""
    images: int = 0

    @property
    def run_id(self) -> str:
        """The run's id."""
        return Path(self.run).name


def enqueued(entries: Sequence[Entry], new: Sequence[Entry], *, first: bool = False) -> list[Entry]:
    """The queue with new entries, in place of older ones of their runs: behind those of the same priority.

    Args:
        entries: The queue.
        new: What to add.
        first: Whether to put them before those of the same priority instead.
    """
    ours = {entry.run for entry in new}
    order = [entry for entry in entries if entry.run not in ours]
    for entry in new[::-1] if first else new:
        later = (index for index, one in enumerate(order) if one.priority < entry.priority + first)
        order.insert(next(later, len(order)), entry)
    return order


class _Order(msgspec.Struct):
    format: int = 1
    entries: tuple[Entry, ...] = ()


_EMPTY = len(encoded(_Order()))
"""Bytes of the file while no run is queued."""


@dataclass(frozen=True)
class Queue:
    """The queue in a folder; nothing exists there before the first run is queued."""

    folder: Path

    @property
    def order_file(self) -> Path:
        """The queued runs, in order."""
        return self.folder / "queue.json"

    @property
    def claims_folder(self) -> Path:
        """Which devices are in use."""
        return self.folder / "claims"

    @property
    def dispatcher_lock(self) -> Path:
        """Held by the dispatcher."""
        return self.folder / "dispatcher.lock"

    @property
    def wake_pipe(self) -> Path:
        """A named pipe: a process that changes the queue writes a byte, and the dispatcher checks the queue again."""
        return self.folder / "wake"

    @property
    def has_entries(self) -> bool:
        """Whether runs are queued, by the size of the file alone.

        Raises:
            OSError: There is no file yet, or it can't be examined.
        """
        return self.order_file.stat().st_size > _EMPTY

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the queue's lock for the block: the queue and the claims change only within.

        Raises:
            RunError: The folder can't be written or locked, or another process has held the lock for half a minute.
        """
        try:
            for folder in (self.folder, self.claims_folder):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.folder / "queue.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise RunError(_cannot_write(self.folder, error)) from None
        try:
            _lock(handle, self.folder)
            yield
        finally:
            os.close(handle)

    def read(self) -> tuple[Entry, ...]:
        """The queued runs, in order. A damaged file is moved aside; its runs can be resumed one by one."""
        try:
            content = self.order_file.read_bytes()
        except OSError:
            return ()
        if not content.strip():
            return ()
        try:
            return decoded(content[:_LARGEST], _Order).entries
        except ValueError:
            with suppress(OSError):
                self.order_file.rename(self.order_file.with_suffix(f".damaged-{int(time.time())}"))
            return ()

    def write(self, entries: Sequence[Entry]) -> None:
        """Replace the queue, and remove environments that no queued run needs any more.

        Raises:
            RunError: The folder can't be written; the queue is unchanged.
        """
        try:
            write_atomically(self.order_file, encoded(_Order(entries=tuple(entries))))
        except OSError as error:
            raise RunError(_cannot_write(self.folder, error)) from None
        needed = {entry.environment for entry in entries}
        for path in self.folder.glob("environment-*.json"):
            if path.name not in needed:
                with suppress(OSError):
                    path.unlink()

    def save_environment(self, environ: Mapping[str, str]) -> str:
        """Save an environment for runs that start later, readable only by this user; return the file's name.

        Raises:
            RunError: The folder can't be written.
        """
        content = msgspec.json.encode({name: os.fsencode(value).decode("latin-1") for name, value in environ.items()})
        path = self.folder / f"environment-{hashlib.sha256(content).hexdigest()[:16]}.json"
        if not exists(path):
            try:
                write_atomically(path, content)
            except OSError as error:
                raise RunError(_cannot_write(self.folder, error)) from None
        return path.name

    def read_environment(self, name: str) -> dict[str, str]:
        """The environment in the file of that name; this process's own if the file is gone."""
        try:
            stored = msgspec.json.decode((self.folder / Path(name).name).read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return dict(os.environ)
        return {key: os.fsdecode(value.encode("latin-1")) for key, value in stored.items()}

    def holds(self, run: Path) -> bool:
        """Whether a run is queued here, by whichever path it is reached. The file is reread only if it has changed."""
        return any(is_same(run, waiting) for waiting in _waiting_in(self.order_file).get(run.name, ()))


def this_queue(state: Path, environ: Mapping[str, str] | None = None) -> Queue:
    """The queue of this user on this host; a Slurm job has its own, because it has its own devices.

    Args:
        state: The user's state folder.
        environ: The environment; this process's by default.
    """
    job = slurm_job(os.environ if environ is None else environ)
    host = re.sub(r"[^A-Za-z0-9._-]", "_", host_name()).strip(".") or "host"
    return Queue(state / "queue" / (f"{host}-job{job}" if job else host))


def existing_queues() -> list[Queue]:
    """This user's queues on this host that have been used: usually one, two if its folder wasn't always writable."""
    queues = map(this_queue, used_state_folders())
    return [queue for queue in queues if exists(queue.order_file)]


_read_orders: dict[Path, tuple[tuple[int, int, int], dict[str, list[Path]]]] = {}


def _waiting_in(file: Path) -> dict[str, list[Path]]:
    """The folders of queued runs, by name."""
    try:
        status = file.stat()
    except OSError:
        return {}
    stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
    known = _read_orders.get(file)
    if known is None or known[0] != stamp:
        waiting: dict[str, list[Path]] = {}
        for entry in Queue(file.parent).read():
            waiting.setdefault(Path(entry.run).name, []).append(Path(entry.run))
        known = _read_orders[file] = (stamp, waiting)
    return known[1]


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths are equal or lead to the same folder."""
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def _lock(handle: int, folder: Path) -> None:
    """Wait for the lock.

    Raises:
        RunError: It takes too long, or the file system has no locks.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise RunError(f"the queue in {folder} has been locked for {_PATIENCE:.0f} s; try again") from None
            time.sleep(0.005)
        except OSError as error:
            raise RunError(_cannot_write(folder, error)) from None
        else:
            return


def _cannot_write(folder: Path, error: OSError) -> str:
    return f"can't write the queue in {folder} ({error.strerror}); fix that, or export XDG_STATE_HOME"
