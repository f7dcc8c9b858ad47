"""Checks that a test leaves no processes and no threads behind."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from fmnist_tui.tui.threads import NAME

_STARTED = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty"}
_starts: list[str] = []


def _note(event: str, _arguments: tuple[object, ...]) -> None:
    if event in _STARTED:
        _starts.append(event)


sys.addaudithook(_note)


@contextmanager
def nothing_left_behind(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Fail if processes or threads started in the block still run `patience` seconds after it.

    The processes are killed. They are searched for only if the block started one: reading every command line of the
    machine takes as long as a small test.

    Args:
        folder: The test's own folder; orphans are recognised by its name in their command line.
        patience: Seconds that processes and threads have to end.
    """
    threads, before = set(threading.enumerate()), len(_starts)
    yield
    until = time.monotonic() + patience
    left = _left_of_processes(folder, until) if len(_starts) > before else []
    while (living := _living(threads)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not (left := [*left, *living]), f"left behind: {left}"


def _living(threads: set[threading.Thread]) -> list[str]:
    """Names of the threads started since then, except daemon threads of libraries."""
    began = [one for one in set(threading.enumerate()) - threads if one.is_alive()]
    return [f"thread {one.name}" for one in began if not one.daemon or one.name == NAME]


def _left_of_processes(folder: Path, until: float) -> list[str]:
    """Kill what still runs at that time; return its process ids."""
    left = list(_processes_of(folder))
    if (patience := until - time.monotonic()) > 0:
        _, left = psutil.wait_procs(left, patience)
    killed = [f"process {process.pid}" for process in left]
    for process in left:
        process.kill()
        process.wait(10)
    return killed


def _processes_of(folder: Path) -> set[psutil.Process]:
    """Children of this process, and orphans with the test's folder in their command line."""
    orphans = {
        process
        for process in psutil.process_iter(["cmdline"])
        if any(f"{folder}/" in argument for argument in process.info["cmdline"] or ())
    }
    return orphans | set(psutil.Process().children(recursive=True))


def has_ended(pid: int) -> bool:
    """Whether a process has ended, possibly as a zombie."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
