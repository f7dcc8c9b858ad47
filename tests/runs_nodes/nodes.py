"""Two machines that share a folder of runs, on one: see node.c for what differs between them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from cli.commands import PROGRAM, Outcome
from leftovers import has_ended
from waiting import PATIENCE, wait_until

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.training.recipes import configure

SOURCE = Path(__file__).with_name("node.c")
ENDLESS = configure("v0", "tuned", {"epochs": 10_000, "batch_size": 16}, threads=1)
LONG = configure("v0", "tuned", {"epochs": 8, "batch_size": 4}, seed=7, threads=1)
"""Eight epochs of 450 steps; about two seconds."""


def compile_library(folder: Path) -> Path:
    """Makes node.so in the folder."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler is not None
    library = folder / "node.so"
    flags = ["-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", str(library), str(SOURCE), "-ldl", "-lpthread"], check=True)
    return library


@dataclass(frozen=True)
class Node:
    """A machine: processes that are started with its environment believe that they run on it.

    Attributes:
        name: Its name.
        environ: Its environment, with a home folder of its own.
        runs: The folder of runs, shared with other machines.
    """

    name: str
    environ: dict[str, str]
    runs: Path

    def call(self, *arguments: object) -> Outcome:
        """Runs a command to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=PATIENCE)
        return Outcome(process.returncode, out, err)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Starts a command on the shared runs."""
        return self._start([*PROGRAM, *map(str, arguments), "--runs", str(self.runs)])

    def python(self, code: str, *arguments: object) -> subprocess.Popen[str]:
        """Starts a program."""
        return self._start([sys.executable, "-c", code, *map(str, arguments)])

    def status(self, run: RunDirectory) -> str:
        """The run's status, as this machine sees it."""
        return str(self.call("show", run.run_id, "--json").json["status"])

    def _start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=self.environ,
        )


def make_node(name: str, library: Path, folder: Path, *, shift: int = 0, stale: int = 0, appends: str = "") -> Node:
    """A machine.

    Args:
        name: Its name; those with different names see none of each other's locks.
        library: As `compile_library` made it.
        folder: Where it has its home, and where the shared runs lie.
        shift: Seconds by which its clock differs from this one's.
        stale: Seconds for which it caches files' attributes.
        appends: Files, by a part of their name, to which appending isn't atomic.
    """
    environ = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "NODE_NAME": name,
        "NODE_NUMBER": str(int.from_bytes(name.encode()[-2:], "big")),
        "NODE_SHIFT": str(shift),
        "NODE_STALE": str(stale),
        "HOME": str(folder / name),
        "XDG_STATE_HOME": str(folder / name / "state"),
    }
    if appends:
        environ["NODE_APPEND"] = appends
    (folder / name).mkdir(exist_ok=True)
    return Node(name, environ, folder / "runs")


def trainer_of(run: RunDirectory, host: str) -> psutil.Process:
    """The trainer process of a run on a machine, as soon as it beats."""

    def beats() -> bool:
        beat = read_heartbeat(run)
        return beat is not None and beat.host == host and beat.pid > 0 and not beat.ended

    wait_until(beats, f"{run.run_id} had a trainer on {host}")
    beat = read_heartbeat(run)
    assert beat is not None
    return psutil.Process(beat.pid)


def kill(process: psutil.Process) -> None:
    """Kills a process and waits until it is gone."""
    process.send_signal(signal.SIGKILL)
    wait_until(lambda: has_ended(process.pid), "it was gone")


def let_time_pass(run: RunDirectory, seconds: float = 60.0) -> None:
    """Makes the heartbeat so much older, as if one had waited."""
    then = run.heartbeat.stat().st_mtime - seconds
    os.utime(run.heartbeat, (then, then))


def processes_of(folder: Path) -> list[psutil.Process]:
    """Trainers and dispatchers that work in a folder."""
    known = ((process, process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    mine = [process for process, command in known if any(f"{folder}/" in argument for argument in command)]
    return [process for process in mine if not has_ended(process.pid)]


def end_all(folder: Path) -> None:
    """Kills trainers and dispatchers that work in a folder, until none starts another."""
    while left := processes_of(folder):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def attempts_in(run: RunDirectory) -> list[int]:
    """The attempt of each line of the log; every line must be whole."""
    return [json.loads(line)["attempt"] for line in run.events.read_bytes().splitlines()]
