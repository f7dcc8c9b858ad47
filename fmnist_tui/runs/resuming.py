"""Whether a run can go on, said before a trainer is started for it."""

from __future__ import annotations

from pathlib import Path

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory, RunError, version_in
from fmnist_tui.runs.event_log import read_tail
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.text import safe
from fmnist_tui.training.config import NoPyTorchError, check_device
from fmnist_tui.training.events import RunFinished


class DataMoved(RunError):
    """The images that the run learned from aren't where they were; they may be somewhere else."""


def check_resumable(run: RunDirectory, data: str | None = None) -> None:
    """Says nothing where the run can go on.

    Args:
        run: The run.
        data: The folder where its images are now; None for where they were.

    Raises:
        DataMoved: The folder of its images is gone.
        RunError: It has a trainer, is finished, diverged (it would do so again, bit for bit), or needs PyTorch where
            there is none.
    """
    version = version_in(run.run_id)
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
    folder = data if data is not None else (read_json(run.request) or {}).get("data")
    if isinstance(folder, str) and folder != "demo" and not Path(folder).is_dir():
        raise DataMoved(f"there is no folder {safe(folder)}: give the folder where the run's images are now")
