"""Starts trainings and follows them; passes signals on to them."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from fmnist_tui.cli.follow import choose_reporter, follow
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.launch import InAppRun, launch
from fmnist_tui.training.control import Command


def start_and_follow(runs: Sequence[RunDirectory], *, detach: bool, in_app: bool, as_json: bool) -> int:
    """Starts trainers for the runs and follows them to their ends.

    Returns:
        0; 1 where a run failed; 130 or 143 where SIGINT or SIGTERM came, were passed on, and everything is saved.
    """
    if in_app:
        return _follow_in_app([InAppRun(run) for run in runs], as_json=as_json)
    processes = [launch(run) for run in runs]
    if detach:
        for run in runs:
            click.echo(run.run_id)
        return 0
    with _passing_on(processes) as received:
        ends = follow(runs, choose_reporter(as_json=as_json))
        for process in processes:
            process.wait()
    return _status(received, [end.finished is not None and _went_well(end.finished.reason) for end in ends.values()])


def _follow_in_app(runs: list[InAppRun], *, as_json: bool) -> int:
    """Drives the runs in a thread, one after the other, and follows from this one."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        received.append(number)
        for driven in runs:
            driven.inbox.put(Command.STOP_NOW)

    worker = threading.Thread(target=lambda: [driven.drive() for driven in runs], name="trainer")
    with _handling(stop):
        worker.start()
        ends = follow([driven.run for driven in runs], choose_reporter(as_json=as_json))
        worker.join()
    return _status(received, [end.finished is not None and _went_well(end.finished.reason) for end in ends.values()])


@contextmanager
def _passing_on(processes: list[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Passes SIGINT and SIGTERM on to the trainers, who save and end; SIGHUP ends this process alone."""
    received: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        received.append(number)
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)

    with _handling(pass_on):
        yield received


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _went_well(reason: str) -> bool:
    return reason in ("completed", "stopped")


def _status(received: list[int], well: list[bool]) -> int:
    if received:
        return 128 + received[0]
    return 0 if all(well) else 1
