"""Prints the results of a sweep as they come, and stops the sweep on Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

import click

from fmnist_tui.cli.output import print_columns, print_line
from fmnist_tui.errors import RunError
from fmnist_tui.report.sweep import heading, result_lines, summary_lines, trial_table
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.sweeps.start import stop_sweep, why_workers_ended
from fmnist_tui.sweeps.sweep import Sweep, SweepStatus, read_sweep
from fmnist_tui.text import safe

_POLL_SECONDS = 0.5


def follow_sweep(directory: SweepDirectory, workers: Sequence[subprocess.Popen[bytes]] | None) -> int:
    """Print results until the sweep has ended.

    Args:
        directory: The sweep.
        workers: The workers that this command started here; SIGINT and SIGTERM stop the sweep. None to leave it alone.

    Returns:
        0, or 130 or 143 if a signal was received and everything is saved.

    Raises:
        RunError: The sweep failed, or its workers ended before it did.
    """
    received: list[int] = []
    if workers is not None:
        _handle_signals(directory, received)
    sweep = _print_until_end(directory, workers or (), received)
    if received:
        return 128 + received[0]
    if sweep.status is SweepStatus.FINISHED:
        print_sweep(sweep)
        return 0
    again = f"fmnist-tui sweep resume {sweep.sweep_id}"
    if sweep.status is SweepStatus.STOPPED:
        click.echo(f"stopped; to resume: {again}")
        return 0
    why = why_workers_ended(directory) if any(worker.returncode for worker in workers or ()) else sweep.reason
    reason = safe(why) or ("no trial was trained to its end" if sweep.is_decided else "it has no worker")
    raise RunError(f"{sweep.sweep_id} {sweep.status}: {reason}; resume it with: {again}")


def _handle_signals(directory: SweepDirectory, received: list[int]) -> None:
    if sys.stderr.isatty():
        again = f"fmnist-tui sweep resume {directory.sweep_id}"
        click.echo(f"Ctrl-C saves and stops; resume with: {again}", err=True)

    def receive(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        received.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, receive)


def _print_until_end(
    directory: SweepDirectory, workers: Sequence[subprocess.Popen[bytes]], received: list[int]
) -> Sweep:
    """Print each result once; return the sweep as it ended."""
    printed: set[tuple[object, ...]] = set()
    is_stopping = False
    while True:
        ended = all(worker.poll() is not None for worker in workers)  # before reading: they note results until then
        sweep = read_sweep(directory)
        if sweep.fault:
            raise RunError(sweep.fault)
        for key, line in result_lines(sweep):
            if key not in printed:
                printed.add(key)
                print_line(line)
        if received and not is_stopping:
            is_stopping = True
            stop_sweep(directory)
        if ended and sweep.status not in (SweepStatus.PENDING, SweepStatus.RUNNING):
            return sweep
        time.sleep(_POLL_SECONDS)


def print_sweep(sweep: Sweep) -> None:
    """Print a sweep: its trials, the best one first, the winner's scores, and the cost."""
    print_line(heading(sweep))
    if sweep.rows:
        print_columns(trial_table(sweep))
    for line in summary_lines(sweep):
        print_line(line)
