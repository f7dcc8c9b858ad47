"""A reader whose mount can't be written, so that the file system's clock can't be asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cli.commands import PROGRAM
from runs.logs import STARTED, beat, step, write_log
from runs.trainers import ENDLESS_V0, request

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import write_heartbeat

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


def read_only(runs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command that sees the runs on a read-only mount."""
    command = ["unshare", "-m", "sh", "-c", READ_ONLY, "sh", str(runs), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def of_another_node(runs: Path, age: float) -> RunDirectory:
    run = request(runs, ENDLESS_V0)
    write_log(run, STARTED, step(5))
    run.lock.touch()
    beat(run, age, host="node-b")
    return run


def statuses(runs: Path) -> dict[str, str]:
    listed = json.loads(read_only(runs, *PROGRAM, "runs", "--json", "--runs", str(runs)).stdout)
    return {line["run"]: line["status"] for line in listed}


def test_fifty_runs_of_another_node_are_observed_at_once(runs: Path) -> None:
    known = [of_another_node(runs, 1.0) for _ in range(50)]
    living = known[::2]
    done = threading.Event()

    def beat_on() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("fmnist_tui.runs.heartbeat.host_name", lambda: "node-b")
            while not done.wait(0.5):
                for run in living:
                    with suppress(OSError):
                        write_heartbeat(run)

    thread = threading.Thread(target=beat_on)
    thread.start()
    try:
        begun = time.monotonic()
        found = statuses(runs)
        seconds = time.monotonic() - begun
    finally:
        done.set()
        thread.join()
    assert found == {run.run_id: "running" if run in living else "interrupted" for run in known}
    empty = time.monotonic()
    subprocess.run([sys.executable, "-m", "fmnist_tui", "--version"], capture_output=True, check=True)
    assert seconds < 4 + 3 * (time.monotonic() - empty)  # starting takes a while on a busy machine
