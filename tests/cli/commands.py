"""The command line as the tests call it: as a real process with its own streams, and what to wait for."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from waiting import PATIENCE, wait_until

from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Event

PROGRAM = (sys.executable, "-m", "fmnist_tui")

SHORT = (
    *("v0", "--data", "demo", "--epochs", "6", "--batch-size", "4", "--lr", "0.005"),
    *("--seed", "3", "--threads", "1"),
)
"""Six epochs of 450 steps: a second or two, long enough to be hit in the middle."""

TINY = ("--data", "demo", "--epochs", "1", "--limit", "10", "--batch-size", "4", "--threads", "1", "--device", "cpu")
"""Three steps."""

ENDLESS = ("v0", "--data", "demo", "--epochs", "10000", "--batch-size", "16", "--threads", "1")
"""Far too long to finish in a test."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Outcome:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines on standard output."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Standard output as one JSON document; the command must have succeeded."""
        assert (self.status, self.err) == (0, ""), self
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The message after `error: ` in the only line on standard error."""
        assert self.err.startswith("error: "), self
        assert self.err.endswith("\n"), self
        assert len(self.err.splitlines()) == 1, self
        assert self.err[:-1].isprintable(), self
        return self.err[:-1].removeprefix("error: ")


def call(*arguments: object, before: Sequence[str] = (), **environment: str) -> Outcome:
    """Run a command as a separate process, without a terminal, to its end.

    Args:
        arguments: The command's.
        before: A command that runs the one after it, such as `sh -c ...`.
        environment: Variables that differ from this process's.
    """
    done = subprocess.run(
        [*before, *PROGRAM, *map(str, arguments)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        env={**os.environ, **environment},
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def started(*arguments: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command as a separate process with its output in pipes; it is killed at the end of the block."""
    with subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str], patience: float = PATIENCE) -> Outcome:
    """Waits for a started command, so many seconds at most.

    An interrupt has the status that it has in a shell: where it arrives while a dataclass is being made, `python -m`
    ends itself by the signal in the end, although it was handled.
    """
    out, err = process.communicate(timeout=patience)
    return Outcome(130 if process.returncode == -signal.SIGINT else process.returncode, out, err)


def newest(runs: Path) -> RunDirectory:
    """The newest run, waiting until there is one."""
    wait_until(lambda: list_runs(runs), f"there was a run in {runs}")
    return list_runs(runs)[0]


def first(run: RunDirectory, kind: type[E]) -> E:
    """The first event of this kind in the run's log, waiting until there is one."""
    reader = LogReader(run.events)
    found: list[E] = []

    def look() -> bool:
        found.extend(logged.event for logged in reader.read() if isinstance(logged.event, kind))
        return bool(found)

    wait_until(look, f"{run.run_id} had a {kind.__name__}")
    return found[0]


def wait_for_status(run: RunDirectory, status: Status) -> None:
    """Waits until the run's status is this one."""
    wait_until(lambda: status_of(run) is status, f"{run.run_id} was {status}")


def copy_of(run: RunDirectory, runs: Path, name: str = "") -> RunDirectory:
    """Copy a run without its weights and checkpoints, under another id if one is given."""
    copied = RunDirectory(runs / (name or run.run_id))
    shutil.copytree(run.path, copied.path, ignore=shutil.ignore_patterns("checkpoints", "*.safetensors"))
    return copied


def edit(path: Path, **changes: Any) -> None:
    """Changes keys of a JSON file."""
    write_json(path, {**(read_json(path) or {}), **changes})


def learned(run: RunDirectory) -> dict[str, Any]:
    """What a run learned: result, epochs, weights and curves, without times and speeds."""
    snapshot = read_snapshot(run)
    columns = ("step", "epoch", "loss", "accuracy", "learning_rate")
    return {
        "result": {**(read_json(run.result) or {}), "seconds": None},
        "epochs": [msgspec.structs.replace(epoch, seconds=0.0, validation_seconds=0.0) for epoch in snapshot.epochs],
        "weights": run.model.read_bytes(),
        **{name: getattr(snapshot.curve, name).tolist() for name in columns},
    }
