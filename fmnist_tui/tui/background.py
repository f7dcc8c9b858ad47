"""What worker threads do for the app: plain functions that tell by posting messages and end when asked to."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

from fmnist_tui.data import Cancelled, DataError, Progress, load
from fmnist_tui.errors import RunError
from fmnist_tui.paths import AppPaths, data_folder
from fmnist_tui.runs.control import busy_stage, send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.resume import DataMoved, check_resumable
from fmnist_tui.runs.start_checks import check_startable, disk_space_warning
from fmnist_tui.training.commands import Command
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.tui.messages import (
    CommandSent,
    DataMissed,
    DatasetFailed,
    DatasetLoaded,
    DatasetProgressed,
    DatasetStopped,
    Failed,
    Post,
    RunEnded,
    RunsLaunched,
)
from fmnist_tui.tui.threads import for_each

_WAIT_SECONDS = 0.2
_TELL_SECONDS = 0.5


def load_dataset(folder: str | None, cache: Path, post: Post, stop: threading.Event) -> None:
    """Loads the images, fetching them where needed; tells each step, and twice a second how far it is."""
    step, due = "", 0.0

    def progress(news: Progress) -> None:
        nonlocal step, due
        if news.what != step or time.monotonic() >= due:
            step, due = news.what, time.monotonic() + _TELL_SECONDS
            post(DatasetProgressed(news))

    try:
        dataset = load(folder, cache, progress, stop.is_set)
        _ = dataset.train.statistics  # here, so that no screen has to wait for it
        post(DatasetLoaded(dataset))
    except DataError as error:
        post(DatasetFailed(str(error)))
    except Cancelled:
        post(DatasetStopped())


def start(folders: AppPaths, configs: list[TrainingConfig], post: Post, stop: threading.Event) -> None:
    """Trains each configuration in a process of its own, and waits until they have ended or the app does."""
    drive_processes(_request_runs(folders, configs, post), post, stop)


def start_here(
    folders: AppPaths, configs: list[TrainingConfig], driven: list[InAppRun], post: Post, stop: threading.Event
) -> None:
    """Trains the configurations in this thread, one after the other; `driven` as `_drive_here` says."""
    _drive_here(_request_runs(folders, configs, post), driven, post, stop)


def resume(run: RunDirectory, data: str | None, post: Post, stop: threading.Event) -> None:
    """Resumes a run in a process of its own, on the images in the folder `data`, or where they were."""
    try:
        check_resumable(run, data and data_folder(data))
    except DataMoved as error:
        post(DataMissed(run, str(error)))
    except RunError as error:
        post(Failed(str(error), severity="warning"))
    else:
        drive_processes([run], post, stop)


def give(run: RunDirectory, command: Command, post: Post) -> None:
    """Passes a command on through the control file."""
    try:
        send_command(run, command)
    except RunError as error:
        post(Failed(str(error), severity="warning"))
    else:
        post(CommandSent(busy_stage(run)))


def stop_all(runs: list[RunDirectory]) -> None:
    """Asks their trainers to save and end."""

    def stop(run: RunDirectory) -> None:
        with suppress(RunError):  # it has ended meanwhile
            send_command(run, Command.STOP_NOW)

    for_each(runs, stop, lambda: False)


def _request_runs(folders: AppPaths, configs: list[TrainingConfig], post: Post) -> list[RunDirectory]:
    """Run directories for the configurations; what stands against them, and those that can't be made, are told."""
    try:
        check_startable(configs, folders.data, folders.cache)
    except (ConfigError, DataError) as error:
        post(Failed(str(error)))
        return []
    if words := disk_space_warning(folders.runs, configs):
        post(Failed(words))
    made = []
    for config in configs:
        try:
            made.append(request_run(folders.runs, config, folders.data))
        except RunError as error:
            post(Failed(str(error)))
    return made


def drive_processes(runs: list[RunDirectory], post: Post, stop: threading.Event) -> None:
    """Starts the runs, or queues them, and waits on the trainers that it started; they outlive the app."""
    try:
        submitted = submit(runs)
    except RunError as error:
        post(Failed(str(error)))
        return
    for line in filter(None, [submitted.warning, *submitted.failed.values()]):
        post(Failed(line))
    post(RunsLaunched([*submitted.started, *submitted.queued]))
    running = dict(submitted.started)
    while running and not stop.wait(_WAIT_SECONDS):
        ended = [run for run, process in running.items() if process.poll() is not None]
        for run in ended:
            del running[run]
        if ended:
            post(RunEnded())


def _drive_here(runs: list[RunDirectory], driven: list[InAppRun], post: Post, stop: threading.Event) -> None:
    """Trains the runs in this thread, one after the other.

    `driven` holds those that wait or train, so that another thread can tell them to stop; whoever does so sets `stop`
    first, and here it is looked at after `driven` was filled: no run is missed.
    """
    taken = []
    try:
        for run in runs:
            try:
                taken.append(InAppRun(run))
            except RunError as error:
                post(Failed(str(error)))
                continue
            driven.append(taken[-1])
        post(RunsLaunched([one.run for one in taken]))
        for one in taken:
            if stop.is_set():
                one.inbox.put(Command.STOP_NOW)
            one.train()
            post(RunEnded())
    finally:
        for one in taken:
            one.close()
            driven.remove(one)
