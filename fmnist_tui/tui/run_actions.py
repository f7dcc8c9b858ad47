"""What the app does to runs in worker threads: start, resume, stop and command them; they report by messages."""

from __future__ import annotations

import threading
from contextlib import suppress

from fmnist_tui.data import DataError
from fmnist_tui.doctor.logout import what_a_logout_ends
from fmnist_tui.errors import RunError
from fmnist_tui.host.machine import this_machine
from fmnist_tui.paths import AppPaths, data_folder
from fmnist_tui.runs.cluster.submit import submit_again
from fmnist_tui.runs.control import busy_stage, send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.in_app import InAppRun, train_in_order
from fmnist_tui.runs.queue.options import QueueOptions, queue_options
from fmnist_tui.runs.resume import DataMoved, check_resumable
from fmnist_tui.runs.start import request_runs
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.events import Command
from fmnist_tui.tui import messages
from fmnist_tui.tui.messages import Failed, Post
from fmnist_tui.tui.threads import for_each
from fmnist_tui.user_settings import SettingsError

_POLL_SECONDS = 0.2


def logout_note() -> str:
    """What a logout does to the trainers on this machine, or ""."""
    return what_a_logout_ends(this_machine()) or ""


def stop_runs(runs: list[RunDirectory]) -> None:
    """Asks their trainers to save and end."""

    def stop(run: RunDirectory) -> None:
        with suppress(RunError):  # it has ended meanwhile
            send_command(run, Command.STOP_NOW)

    for_each(runs, stop, lambda: False)


def start_runs(
    configs: list[TrainingConfig],
    folders: AppPaths,
    post: Post,
    stop: threading.Event,
    in_app_runs: list[InAppRun] | None = None,
) -> None:
    """Trains the configurations in processes, or in this thread where `in_app_runs` is given."""
    try:
        options = queue_options()
        requested = request_runs(configs, folders)
    except (ConfigError, DataError, SettingsError) as error:
        post(Failed(str(error)))
        return
    for line in filter(None, [requested.warning, *requested.failed]):
        post(Failed(line))
    if in_app_runs is None:
        _submit(requested.runs, options, post, stop)
    else:
        _train_here(requested.runs, options, in_app_runs, post, stop)


def resume_run(run: RunDirectory, data: str | None, post: Post, stop: threading.Event) -> None:
    """Resumes a run in a process, on the images in the folder `data`, or where they were."""
    try:
        options = queue_options()
        check_resumable(run, data and data_folder(data))
    except DataMoved as error:
        post(messages.DataNotFound(run, str(error)))
    except RunError as error:
        post(Failed(str(error), severity="warning"))
    else:
        _submit([run], options, post, stop)


def _submit(runs: list[RunDirectory], options: QueueOptions, post: Post, stop: threading.Event) -> None:
    """Starts, queues or submits the runs, and waits until the trainers that it started end, or `stop` is set."""
    try:
        submitted = submit_again(runs, options)
    except RunError as error:
        post(Failed(str(error)))
        return
    for line in filter(None, [submitted.warning, *submitted.failed.values()]):
        post(Failed(line))
    post(messages.RunsStarted([*submitted.started, *submitted.queued]))
    running = dict(submitted.started)
    while running and not stop.wait(_POLL_SECONDS):
        ended = [run for run, process in running.items() if process.poll() is not None]
        for run in ended:
            del running[run]
        if ended:
            post(messages.TrainerEnded())


def _train_here(
    runs: list[RunDirectory], options: QueueOptions, in_app_runs: list[InAppRun], post: Post, stop: threading.Event
) -> None:
    """Trains the runs in this thread, one after the other.

    `in_app_runs` has those that wait or train, so that another thread can stop them. That thread sets `stop` first, and
    this one checks it after filling `in_app_runs`: no run is missed.
    """
    ours: list[InAppRun] = []
    try:
        for run in runs:
            try:
                ours.append(InAppRun(run, options))
            except RunError as error:
                post(Failed(str(error)))
                continue
            in_app_runs.append(ours[-1])
        post(messages.RunsStarted([one.run for one in ours]))
        if stop.is_set():
            for one in ours:
                one.inbox.put(Command.STOP_NOW)
        train_in_order(ours, lambda: post(messages.TrainerEnded()))
    finally:
        for one in ours:
            in_app_runs.remove(one)


def command_run(run: RunDirectory, command: Command, post: Post) -> None:
    """Sends a command through the control file."""
    try:
        send_command(run, command)
    except RunError as error:
        post(Failed(str(error), severity="warning"))
    else:
        post(messages.CommandSent(busy_stage(run)))
