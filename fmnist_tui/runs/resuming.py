"""Whether a run can go on, said before a trainer is started for it."""

from __future__ import annotations

from fmnist_tui.runs.access import check_readable
from fmnist_tui.runs.directory import RunDirectory, RunError, version_in
from fmnist_tui.runs.event_log import read_tail
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import NoPyTorchError, check_device
from fmnist_tui.training.events import RunFinished


def check_resumable(run: RunDirectory) -> None:
    """Says nothing where the run can go on.

    Raises:
        RunError: It can't be read, has a trainer, is finished, diverged (it would do so again, bit for bit), or needs
            PyTorch where there is none.
    """
    version = version_in(run.run_id)
    check_readable(run)
    status = status_of(run)
    if status.has_trainer:
        raise RunError(f"run {run.run_id} is {status}; watch it with: fmnist-tui attach {run.run_id}")
    if status is Status.FINISHED:
        raise RunError(f"run {run.run_id} is finished; start a new one with: fmnist-tui train {version}")
    last = next((item.event for item in reversed(read_tail(run.events)) if isinstance(item.event, RunFinished)), None)
    if status is Status.FAILED and last and last.reason == "diverged":
        raise RunError(f"run {run.run_id} diverged and would do so again; train anew with a lower --lr")
    try:
        check_device(version, "auto")
    except NoPyTorchError as error:
        raise RunError(f"run {run.run_id} can't go on: {error}") from None
