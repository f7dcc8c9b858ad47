"""Whether a run can be resumed, reported before a trainer is started for it."""

from __future__ import annotations

from fmnist_tui.host.identity import host_name
from fmnist_tui.runs.access import check_readable
from fmnist_tui.runs.directory import RunDirectory, RunError, version_in
from fmnist_tui.runs.event_log import Logged, read_tail
from fmnist_tui.runs.run_data import DataMoved, check_images
from fmnist_tui.runs.status import Status, status_and_tail
from fmnist_tui.training.config import NoPyTorchError, check_device
from fmnist_tui.training.events import Queued, RunFinished

__all__ = ["DataMoved", "check_resumable"]


def check_resumable(run: RunDirectory, data: str | None = None) -> None:
    """Return if the run can be resumed. Where its images are is remembered, if it isn't where they were.

    Args:
        run: The run.
        data: The folder where its images are now, or "demo": it has to have them. None for wherever they are.

    Args:
        run: The run.
        data: The folder where its images are now; None for where they were.

    Raises:
        DataMoved: Its images aren't in `data`, or in no known place.
        RunError: It can't be read, has a trainer, is finished, diverged (it would do so again, bit for bit), or needs
            PyTorch where there is none.
    """
    version = version_in(run.run_id)
    check_readable(run)
    status, tail = status_and_tail(run)
    if status.has_trainer:
        raise RunError(f"run {run.run_id} is {status}; {_elsewhere(run, tail) or _watch(run)}")
    if status is Status.FINISHED:
        raise RunError(f"run {run.run_id} is finished; start a new one with: fmnist-tui train {version}")
    last = next((item.event for item in reversed(read_tail(run.events)) if isinstance(item.event, RunFinished)), None)
    if status is Status.FAILED and last and last.reason == "diverged":
        raise RunError(f"run {run.run_id} diverged and would do so again; train anew with a lower --lr")
    try:
        check_device(version, "auto")
    except NoPyTorchError as error:
        raise RunError(f"run {run.run_id} can't go on: {error}") from None
    check_images(run, data)


def _watch(run: RunDirectory) -> str:
    return f"watch it with: fmnist-tui attach {run.run_id}"


def _elsewhere(run: RunDirectory, tail: list[Logged]) -> str:
    """What to do about a run that waits in another host's queue; "" for any other."""
    last = tail[-1].event if tail else None
    if not isinstance(last, Queued) or last.host in ("", host_name()):
        return ""
    return f"it waits for a device of {last.host}: to train it here, fmnist-tui stop {run.run_id}, then resume it"
