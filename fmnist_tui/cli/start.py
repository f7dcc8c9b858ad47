"""Starts runs and follows them; forwards signals to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import FrameType

import click

from fmnist_tui.cli.follow import choose_reporter, follow
from fmnist_tui.doctor.logout import what_a_logout_ends
from fmnist_tui.errors import RunError
from fmnist_tui.host.machine import this_machine
from fmnist_tui.runs.cluster.jobs import why_job_ended
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.follower import Follower, is_full
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.lock import has_started, is_held
from fmnist_tui.runs.queue.options import QueueOptions
from fmnist_tui.runs.queue.submit import Submitted, submit
from fmnist_tui.runs.status import is_waiting
from fmnist_tui.runs.trainer_process import why_trainer_died
from fmnist_tui.text import percent, safe
from fmnist_tui.training.events import Command, RunFinished

_SUCCESSFUL = ("completed", "stopped")
Submit = Callable[[Sequence[RunDirectory]], Submitted]


def start_and_leave(runs: Sequence[RunDirectory], submit: Submit = submit) -> int:
    """Start or queue the runs, print their ids, and return.

    Args:
        runs: The runs.
        submit: Starts them, here or elsewhere.

    Raises:
        RunError: If a run could not be started.
    """
    submitted = submit(runs)
    _warn(submitted.warning)
    for run in runs:
        if run not in submitted.failed:
            click.echo(run.run_id)
    if submitted.is_here:
        _warn(what_a_logout_ends(this_machine()) or "")
    _raise_first(submitted)
    return 0


def start_and_follow(runs: Sequence[RunDirectory], submit: Submit = submit, *, as_json: bool) -> int:
    """Start or queue the runs and follow them until they end; SIGHUP ends only this process.

    Args:
        runs: The runs.
        submit: Starts them, here or elsewhere.
        as_json: Whether events are printed as JSON lines.

    Returns:
        0, or 130 or 143 if SIGINT or SIGTERM was received and forwarded, and everything is saved.

    Raises:
        RunError: If a run failed, or its trainer died.
    """
    followers = _caught_up(runs)
    if not as_json:
        _announce_interrupt(runs)
    with _receiving() as received:
        submitted = submit(runs)
        _warn(submitted.warning)
        forwarder = _SignalForwarder(runs, submitted.started, received)
        ends = follow(followers, choose_reporter(as_json=as_json, runs=runs), forwarder.forward)
        codes = {run: process.wait() for run, process in submitted.started.items()}
    _raise_first(submitted)
    status = 128 + received[0] if received else 0
    for run in runs:
        end = ends[run.run_id].finished
        successful = end is not None and end.reason in _SUCCESSFUL and not end.message
        ended_at_once = bool(received) and end is None  # a second signal came while it was saving
        if codes.get(run, 0) not in (0, status) or not (successful or ended_at_once):
            raise RunError(_why(run, end))
    if not as_json:
        _print_scores(runs)
    return status


class _SignalForwarder:
    """Forwards signals to trainers; runs that wait for a device leave the queue."""

    def __init__(
        self, runs: Sequence[RunDirectory], started: Mapping[RunDirectory, subprocess.Popen[bytes]], received: list[int]
    ) -> None:
        self._runs = runs
        self._started = started
        self._received = received
        self._forwarded = 0
        self._left: set[RunDirectory] = set()

    def forward(self) -> None:
        """Call this repeatedly: a trainer that is just starting can't be reached yet."""
        if len(self._received) > self._forwarded:
            self._forwarded = len(self._received)
            self._left = set(self._runs)
        self._left = {run for run in self._left if not self._stop(run, self._received[-1])}

    def _stop(self, run: RunDirectory, number: int) -> bool:
        """Stop one run; False to try again."""
        process = self._started.get(run)
        if process is not None and process.poll() is None:
            process.send_signal(number)
            return True
        if is_held(run):
            beat = read_heartbeat(run)
            if beat is None or not beat.pid or not has_started(run):
                return False
            if not beat.is_from_here:
                return _sent(run)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(beat.pid, number)
            return True
        return not is_waiting(run) or _sent(run)


def _sent(run: RunDirectory) -> bool:
    """Stop a run that waits, or has a trainer on another machine; False to try again: it is just starting."""
    try:
        send_command(run, Command.STOP_NOW)
    except RunError:
        return False
    return True


def train_here(runs: Sequence[RunDirectory], queueing: QueueOptions, *, as_json: bool) -> int:
    """Train the runs in a thread of this process, one after the other, and follow them.

    SIGINT, SIGTERM and SIGHUP save and end; a second SIGINT ends at once.

    Returns:
        0, or 128 plus the signal's number.

    Raises:
        RunError: If a run failed.
    """
    received: list[int] = []
    in_app = [InAppRun(run, queueing) for run in runs]

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if number == signal.SIGINT and number in received:
            os._exit(128 + number)
        received.append(number)
        _stop_all(in_app)

    def save(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        for one in in_app:
            one.inbox.put(Command.SAVE)

    stopping = _handling(stop, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with stopping, _handling(save, signal.SIGUSR1):
        ends = _follow_here(in_app, as_json=as_json)
    for run, end in zip(runs, ends, strict=True):
        if end.reason not in _SUCCESSFUL or end.message:
            raise RunError(_why(run, end))
    if not as_json:
        _print_scores(runs)
    return 128 + received[0] if received else 0


def _follow_here(in_app: list[InAppRun], *, as_json: bool) -> list[RunFinished]:
    """Follow the runs while a thread trains them; returns how they ended."""
    from fmnist_tui.runs.in_app import train_in_order

    followers = _caught_up([one.run for one in in_app])
    with ThreadPoolExecutor(1, thread_name_prefix="trainer") as thread:
        training = thread.submit(train_in_order, in_app)
        try:
            follow(followers, choose_reporter(as_json=as_json, runs=[one.run for one in in_app]))
        except BaseException:  # a closed pipe, for instance: the runs are saved
            _stop_all(in_app)
            raise
        return training.result()


def _stop_all(in_app: list[InAppRun]) -> None:
    for one in in_app:
        one.inbox.put(Command.STOP_NOW)


def _caught_up(runs: Sequence[RunDirectory]) -> list[Follower]:
    """Followers that have read the events of earlier trainers, so that they only report new ones."""
    followers = [Follower(run) for run in runs]
    for follower in followers:
        follower.catch_up()
    return followers


def _why(run: RunDirectory, end: RunFinished | None) -> str:
    """Why a run failed."""
    if end and (end.reason not in _SUCCESSFUL or end.message):
        return f"{run.run_id} {end.reason}: {end.message}"
    if ended := why_job_ended(run):
        return f"{run.run_id}: {ended}"
    if is_full(run.path):
        advice = f"free some space, then: fmnist-tui resume {run.run_id}"
        return f"{run.run_id} could not be saved: {run.path} is on a full disk; {advice}"
    why = why_trainer_died(run) or f"see {run.train_log}"
    return f"{run.run_id}: the trainer process died ({why}); resume it with: fmnist-tui resume {run.run_id}"


def _announce_interrupt(runs: Sequence[RunDirectory]) -> None:
    """Say on a terminal what Ctrl-C does, before somebody tries it."""
    if sys.stderr.isatty():
        what = runs[0].run_id if len(runs) == 1 else "RUN"
        click.echo(f"Ctrl-C saves and stops; resume with: fmnist-tui resume {what}", err=True)


def _print_scores(runs: Sequence[RunDirectory]) -> None:
    """The test accuracy of each run that was scored, with its 95% CI, and the mean over seeds."""
    from fmnist_tui.cli.seeds import score_lines
    from fmnist_tui.report.sentences import score_text  # imports NumPy
    from fmnist_tui.runs.run import read_run

    ended = [read_run(run) for run in runs]
    for run in ended:
        if run.test_accuracy is not None:
            interval = f" ({text})" if (text := score_text(run)) else ""
            click.echo(f"{run.run_id}: test accuracy {percent(run.test_accuracy)}{interval}")
    for line in score_lines(ended):
        click.echo(line)


def _warn(line: str) -> None:
    if line:
        click.echo(safe(line), err=True)


def _raise_first(submitted: Submitted) -> None:
    for message in submitted.failed.values():
        raise RunError(message)


@contextmanager
def _receiving() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of ending the process."""
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        received.append(number)

    with _handling(receive, signal.SIGINT, signal.SIGTERM):
        yield received


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
