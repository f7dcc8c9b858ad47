"""What waits when the app starts: live runs, and runs that were interrupted."""

from __future__ import annotations

from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.status import Status
from fmnist_tui.runs.summary import Summary, summarise
from fmnist_tui.text import counted
from fmnist_tui.tui.messages import Greeted, Post


def greet(runs: Path, post: Post) -> None:
    """Looks through the runs, from a thread, and tells what waits."""
    post(Greeted(*_greeting(runs)))


def _greeting(runs: Path) -> tuple[list[str], RunDirectory | None]:
    try:
        known = {run: summarise(run) for run in list_runs(runs)}
    except RunError as error:
        return [str(error)], None
    live = [run for run, summary in known.items() if summary.status.has_trainer]
    words = [_live_words(known[run]) for run in live[:3]]
    interrupted = [run for run, summary in known.items() if summary.status is Status.INTERRUPTED]
    if interrupted:
        waiting = counted(len(interrupted), "interrupted run")
        words.append(f"{waiting}: press 3, then {'o to choose one and ' if live else ''}r to resume")
    return words, next(iter([*live, *interrupted, *known]), None)


def _live_words(summary: Summary) -> str:
    epoch = f", epoch {min(summary.epoch + 1, summary.epochs)} of {summary.epochs}" if summary.epochs else ""
    return f"{summary.version} is {summary.status}{epoch}: press 3"
