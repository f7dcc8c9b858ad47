"""What became of a run that another one waits for (`train --after RUN`)."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path

from fmnist_tui.files import exists
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.status import Status, status_and_tail


class Outcome(Enum):
    """Whether the run has succeeded, won't without somebody's help, or hasn't ended."""

    SUCCEEDED = auto()
    FAILED = auto()
    OPEN = auto()


def outcome_of(folder: Path) -> tuple[Outcome, str]:
    """What became of the run in a folder, and that as text: "v3-... failed".

    It has succeeded if it was completed, or stopped after an epoch and scored. An interrupted run may still be resumed.
    """
    run = RunDirectory(folder)
    if not exists(folder):
        if exists(folder.parent):
            return Outcome.FAILED, f"{run.run_id} was deleted"
        return Outcome.OPEN, f"waits for {run.run_id}: {folder.parent} isn't there"
    status, tail = status_and_tail(run)
    end = tail.state.finished
    if status is Status.FINISHED and end and (end.reason == "completed" or end.scored):
        return Outcome.SUCCEEDED, f"{run.run_id} has finished"
    failures = {
        Status.FAILED: end.reason if end else "failed",
        Status.STOPPED: "was stopped without a score",
        Status.FINISHED: "was stopped without a score",
    }
    if status in failures:
        return Outcome.FAILED, f"{run.run_id} {failures[status]}"
    more = ", which was interrupted: resume it" if status is Status.INTERRUPTED else " to succeed"
    return Outcome.OPEN, f"waits for {run.run_id}{more}"
