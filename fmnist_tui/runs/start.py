"""Starting runs, for the command line and the app: what is checked before, and training them in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fmnist_tui.errors import RunError
from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.start_checks import check_startable, disk_space_warning
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import RunFinished


@dataclass
class RequestedRuns:
    """Run directories with a request and no trainer yet.

    Attributes:
        runs: The new runs, in the order of their configurations.
        failed: Why others could not be made, a line each.
        warning: A line where the disk may be too small for them; "" where it isn't.
    """

    runs: list[RunDirectory] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    warning: str = ""


def request_runs(configs: Sequence[TrainingConfig], folders: AppPaths) -> RequestedRuns:
    """Makes a run directory for each configuration, once it is known that all of them can start here.

    Takes seconds where a GPU is named, since PyTorch has to look for it.

    Raises:
        DataError: The data folder doesn't hold what it should.
        ConfigError: A device isn't there.
    """
    check_startable(configs, folders.data, folders.cache)
    requested = RequestedRuns(warning=disk_space_warning(folders.runs, configs))
    for config in configs:
        try:
            requested.runs.append(request_run(folders.runs, config, folders.data))
        except RunError as error:
            requested.failed.append(str(error))
    return requested


def train_in_order(runs: Sequence[InAppRun], on_end: Callable[[], object] = lambda: None) -> list[RunFinished]:
    """Trains the runs in this thread, one after the other, and releases them all, whatever happens.

    Args:
        runs: What to train.
        on_end: Called after each run.

    Returns:
        The last event of each.
    """
    ends = []
    try:
        for run in runs:
            ends.append(run.train())
            on_end()
    finally:
        for run in runs:
            run.close()
    return ends
