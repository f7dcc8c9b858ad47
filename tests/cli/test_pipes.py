"""Closed pipes and output that can't be written cause no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from waiting import PATIENCE, wait_until

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.status import Status, status_of

from .commands import ENDLESS, PROGRAM, SHORT, TINY, learned, newest, started, wait_for_status

FULL = "/dev/full"

needs_full = pytest.mark.skipif(not os.path.exists(FULL), reason="there is no /dev/full here")  # noqa: PTH110


def log_of(run: RunDirectory) -> bytes:
    return run.events.read_bytes() if run.events.exists() else b""


def call_into(stdout: int, *arguments: object) -> tuple[int, str]:
    """The exit status and standard error of a command whose standard output goes into a descriptor."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr


def call_into_closed_pipe(*arguments: object) -> tuple[int, str]:
    """The same with a pipe whose reader is gone before the first line."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return call_into(writer, *arguments)
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "show last",
        *(pytest.param(command, marks=pytest.mark.slow) for command in ("runs", "attach last", "data --data demo")),
    ],
)
def test_a_closed_pipe_ends_a_command_silently(finished: RunDirectory, command: str) -> None:
    where = ["--runs", finished.path.parent] if command in ("runs", "show last", "attach last") else []
    status, err = call_into_closed_pipe(*command.split(), *where)
    assert err == ""
    assert status in (0, 1, 128 + signal.SIGPIPE)


def test_the_first_line_of_many_can_be_read_alone(finished: RunDirectory) -> None:
    with started("attach", "last", "--runs", finished.path.parent) as process:
        assert process.stdout
        assert process.stdout.readline() == f"{finished.run_id}  loading data\n"
        process.stdout.close()
        process.wait(PATIENCE)
        assert process.stderr
        assert process.stderr.read() == ""


def test_a_closed_pipe_ends_the_follower_and_the_run_goes_on(runs: Path, finished: RunDirectory) -> None:
    status, err = call_into_closed_pipe("train", *SHORT, "--runs", runs)
    assert err == ""
    assert status in (1, 128 + signal.SIGPIPE)
    run = newest(runs)
    wait_for_status(run, Status.FINISHED)
    assert learned(run) == learned(finished)


def test_a_run_in_this_process_is_saved_even_if_the_pipe_is_closed(runs: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [*PROGRAM, "train", *ENDLESS, "--in-app", "--runs", str(runs)], stdout=writer, stderr=subprocess.PIPE
    ) as process:
        os.close(writer)
        run = newest(runs)
        wait_until(lambda: process.poll() is not None or b'"step"' in log_of(run), "it trained, or was saved already")
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    assert err == b""
    assert status_of(run) is Status.STOPPED


@pytest.mark.parametrize(
    ("path", "flags", "why"),
    [
        pytest.param(os.devnull, os.O_RDONLY, "bad file descriptor", id="closed for writing"),
        pytest.param(FULL, os.O_WRONLY, "no space left on device", id="full", marks=needs_full),
    ],
)
def test_output_that_cannot_be_written_is_one_line(path: str, flags: int, why: str) -> None:
    unwritable = os.open(path, flags)
    try:
        assert call_into(unwritable, "--help") == (1, f"error: can't write the output: {why}\n")
    finally:
        os.close(unwritable)


@pytest.mark.parametrize("command", ["results --all", pytest.param("attach last", marks=pytest.mark.slow)])
def test_without_standard_output_nothing_is_printed(finished: RunDirectory, command: str) -> None:
    arguments = [*PROGRAM, *command.split(), "--runs", str(finished.path.parent)]
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    assert (closed.returncode, closed.stderr) == (0, b"")


def test_a_trainer_started_without_standard_streams_holds_its_run(runs: Path) -> None:
    arguments = [*PROGRAM, "train", "v0", *TINY, "--detach", "--runs", str(runs)]
    subprocess.run(["/bin/sh", "-c", '"$@" <&- >&- 2>&-', "sh", *arguments], timeout=PATIENCE, check=True)
    run = newest(runs)
    assert is_held(run)
    wait_for_status(run, Status.FINISHED)
