"""Starts trainings and follows them; passes signals on to them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

import click

from fmnist_tui.cli.follow import choose_reporter, follow
from fmnist_tui.runs.directory import RunDirectory, RunError
from fmnist_tui.runs.follower import Follower, is_full
from fmnist_tui.runs.launch import InAppRun, launch
from fmnist_tui.runs.machine.logout import what_a_logout_ends
from fmnist_tui.runs.machine.machine import this_machine
from fmnist_tui.text import safe
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import RunFinished

_WELL = ("completed", "stopped")


def start_and_leave(runs: Sequence[RunDirectory]) -> int:
    """Starts trainers for the runs, prints the runs' ids, and leaves them to themselves."""
    for run in runs:
        launch(run)
        click.echo(run.run_id)
    if danger := what_a_logout_ends(this_machine()):
        click.echo(safe(danger), err=True)
    return 0


def start_and_follow(runs: Sequence[RunDirectory], *, as_json: bool) -> int:
    """Starts trainers for the runs and follows them to their ends; SIGHUP ends this process alone.

    Returns:
        0, or 130 or 143 where SIGINT or SIGTERM came, was passed on, and everything is saved.

    Raises:
        RunError: A run failed, or has lost its trainer.
    """
    processes: list[subprocess.Popen[bytes]] = []
    followers = _caught_up(runs)
    with _passing_on(processes) as received:
        for run in runs:
            processes.append(launch(run))
            if received:  # while it was being launched
                processes[-1].send_signal(received[-1])
                break
        ends = follow(followers, choose_reporter(as_json=as_json))
        codes = [process.wait() for process in processes]
    status = 128 + received[0] if received else 0
    for run, code in zip(runs, codes, strict=False):  # a signal may have come before all were launched
        if code not in (0, status):
            raise RunError(_why(run, ends[run.run_id].finished))
    return status


def train_here(runs: Sequence[RunDirectory], *, as_json: bool) -> int:
    """Trains the runs in a thread of this process, one after the other, and follows from this one.

    SIGINT, SIGTERM and SIGHUP save before they end; a second SIGINT ends at once.

    Returns:
        0, or 128 and the signal's number.

    Raises:
        RunError: A run failed.
    """
    received: list[int] = []
    driven = [InAppRun(run) for run in runs]

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if number == signal.SIGINT and number in received:
            os._exit(128 + number)
        received.append(number)
        _stop_all(driven)

    def save(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        for one in driven:
            one.inbox.put(Command.SAVE)

    stopping = _handling(stop, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with stopping, _handling(save, signal.SIGUSR1):
        ends = _follow_here(driven, as_json=as_json)
    for run, end in zip(runs, ends, strict=True):
        if end.reason not in _WELL or end.message:
            raise RunError(_why(run, end))
    return 128 + received[0] if received else 0


def _follow_here(driven: list[InAppRun], *, as_json: bool) -> list[RunFinished]:
    """Follows the runs while a thread drives them; returns how they ended."""
    followers = _caught_up([one.run for one in driven])
    with ThreadPoolExecutor(1, thread_name_prefix="trainer") as thread:
        driving = thread.submit(_drive_all, driven)
        try:
            follow(followers, choose_reporter(as_json=as_json))
        except BaseException:  # nobody reads what is printed, for one: the runs are saved
            _stop_all(driven)
            raise
        return driving.result()


def _drive_all(driven: list[InAppRun]) -> list[RunFinished]:
    """One after the other. Whatever happens, none stays held: whoever follows would wait for ever."""
    try:
        return [one.drive() for one in driven]
    finally:
        for one in driven:
            one.close()


def _stop_all(driven: list[InAppRun]) -> None:
    for one in driven:
        one.inbox.put(Command.STOP_NOW)


def _caught_up(runs: Sequence[RunDirectory]) -> list[Follower]:
    """Followers that know what an earlier trainer said, so that they report what is new alone."""
    followers = [Follower(run) for run in runs]
    for follower in followers:
        follower.catch_up()
    return followers


def _why(run: RunDirectory, end: RunFinished | None) -> str:
    """Why a run came to a bad end."""
    if end and (end.reason not in _WELL or end.message):
        return f"{run.run_id} {end.reason}: {end.message}"
    if is_full(run.path):
        advice = f"make room, then: fmnist-tui resume {run.run_id}"
        return f"{run.run_id} could not be saved: {run.path} is on a full disk; {advice}"
    return f"{run.run_id} has lost its trainer (see {run.train_log}); go on with: fmnist-tui resume {run.run_id}"


@contextmanager
def _passing_on(processes: list[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Passes SIGINT and SIGTERM on to the trainers, who save and end; yields those that came."""
    received: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        received.append(number)
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)

    with _handling(pass_on, signal.SIGINT, signal.SIGTERM):
        yield received


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
