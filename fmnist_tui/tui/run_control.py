"""The part of the app that starts, follows and steers runs; screens ask for it by messages."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from functools import partial

from fmnist_tui.data import DataError
from fmnist_tui.doctor.logout import what_a_logout_ends
from fmnist_tui.errors import RunError
from fmnist_tui.host.machine import this_machine
from fmnist_tui.paths import AppPaths, data_folder
from fmnist_tui.runs.cluster.submit import submit_again
from fmnist_tui.runs.control import busy_stage, send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.in_app import InAppRun, train_in_order
from fmnist_tui.runs.queue.options import QueueOptions, queue_options
from fmnist_tui.runs.resume import DataMoved, check_resumable
from fmnist_tui.runs.run import Run, read_run, read_runs
from fmnist_tui.runs.start import request_runs
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.events import Command
from fmnist_tui.tui import messages
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.base_screens import Dialog
from fmnist_tui.tui.dialogs.entry import DataFolderDialog
from fmnist_tui.tui.dialogs.queue import QueueDialog
from fmnist_tui.tui.messages import Failed, Post
from fmnist_tui.tui.run_monitor import RunsChanged, RunsState, RunState
from fmnist_tui.tui.startup import startup_notices
from fmnist_tui.tui.terminal_notification import terminal_notification, understands_notifications
from fmnist_tui.tui.threads import for_each
from fmnist_tui.user_settings import SettingsError

_EFFECT_SECONDS = 0.5
"""After so long a command has usually taken effect."""
_REFRESH_SECONDS = 0.08
"""How long a key may wait for a fresh look at the runs."""
_POLL_SECONDS = 0.2
MAX_OVERLAYS = 8
"""Each is followed by a thread."""


class RunControl(LabApp):
    """Starts and resumes runs, follows one, passes commands on, and reports which have ended."""

    def __init__(self, folders: AppPaths, *, pace: float, in_app: bool) -> None:
        super().__init__(folders, pace=pace, in_app=in_app)
        self._unfollow = threading.Event()
        self._overlays: dict[RunDirectory, threading.Event] = {}
        self._in_app_runs: list[InAppRun] = []  # a thread appends and removes
        self._ended_with_app: set[RunDirectory] = set()
        self._notices_due = True
        self._logout_checked = False

    def on_mount(self) -> None:
        """Starts the monitor."""
        self.threads.start(partial(self.monitor.watch, self.post_message))

    def on_unmount(self) -> None:
        """Ends the threads, whatever ended the app; trainer processes keep running."""
        self.ending.set()
        for stop in (self._unfollow, *self._overlays.values()):
            stop.set()
        self.monitor.end()
        self.inspection.close()
        self._ended_with_app = {one.run for one in self._in_app_runs}
        self._command_in_app_runs(Command.STOP_NOW)

    def follow(self, run: RunDirectory) -> None:
        """Shows this run on the Training screen, unless the app is ending."""
        self._unfollow.set()
        if self.ending.is_set():
            return
        self._unfollow = threading.Event()
        follower = Follower(run)
        self.threads.start(partial(follower.follow, self._unfollow))
        self.followed = follower

    def running_at_exit(self) -> list[RunState]:
        """The runs that have a trainer or wait for one, as last read, newest first; not those that end with the app."""
        return [one for one in self.monitor.state.running if one.run not in self._ended_with_app]

    def read_all_runs(self) -> list[Run]:
        """All runs, newest first; reads those that the monitor hasn't read yet or that were still running.

        Raises:
            RunError: The folder is there but can't be read.
        """
        state = self.monitor.state
        if not state.complete:
            return read_runs(self.runs)
        return [read_run(one.run) if one.status.has_trainer else one.record for one in state.runs]

    async def refresh_runs(self) -> None:
        """Waits until the monitor has read the runs again, but no longer than a key press may take."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def then() -> None:
            with suppress(RuntimeError):  # the app has ended meanwhile
                loop.call_soon_threadsafe(done.set)

        self.monitor.look(then=then)
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _REFRESH_SECONDS)

    def on_training_requested(self, message: messages.TrainingRequested) -> None:
        """Starts the runs, in processes or in the app."""
        if custom := dict.fromkeys(config.source.given for config in message.configs if config.source):
            self.notify(f"Checking {', '.join(custom)} ...", markup=False, timeout=4)  # that takes seconds
        start = partial(_start_runs, message.configs, self.folders, self.post_message, self.ending)
        if message.in_app:
            start = partial(start, in_app_runs=self._in_app_runs)
        self.threads.start(start, must_finish=True)

    def on_resume_requested(self, message: messages.ResumeRequested) -> None:
        """Resumes a run, in a process."""
        work = partial(_resume, message.run, message.data, self.post_message, self.ending)
        self.threads.start(work, must_finish=True)

    def on_data_not_found(self, message: messages.DataNotFound) -> None:
        """Asks where the images are now."""
        self.push_screen(DataFolderDialog(message.run.run_id, message.reason), partial(self._resume_on, message.run))

    def on_runs_started(self, message: messages.RunsStarted) -> None:
        """Shows the first of the new runs, unless another one is being watched."""
        runs = message.runs
        if not runs:
            return
        self.monitor.look(runs)
        self.running_runs = (*runs, *(run for run in self.running_runs if run not in runs))
        if self.followed is None or not self.followed.status.has_trainer:
            self.follow(runs[0])
        what = f"Started {runs[0].run_id}" if len(runs) == 1 else f"Started {len(runs)} runs, one after the other"
        self.notify(what, markup=False, timeout=4)
        if self.current_mode == "models" and len(self.screen_stack) == 1:
            self.call_later(self.run_action, "go('training')")

    def on_trainer_ended(self) -> None:
        """Reads the run's end at once."""
        self.monitor.look()

    def on_runs_changed(self, message: RunsChanged) -> None:
        """Shows a run where none is shown, and reports which have ended, wherever they were started."""
        before, self.runs_state = self.runs_state, message.state
        running = [one.run for one in message.state.running]
        for run in self.running_runs:
            if run in running:
                continue
            if (ended := message.state.by_run.get(run)) is None:
                if run not in before.by_run:  # started a moment ago, and not read since
                    running.insert(0, run)
            else:
                self._report_end(ended)
        self.running_runs = tuple(running)
        if self.running_runs and not self._logout_checked:
            self._logout_checked = True
            self.threads.start(self._find_logout_note)
        self._notify_at_startup(message.state)
        self._follow_another(before, message.state)
        for run in [run for run in self._overlays if run in before.by_run and run not in message.state.by_run]:
            self.on_overlay_toggled(messages.OverlayToggled(run))

    def on_run_changed(self, message: messages.RunChanged) -> None:
        """Reads the run again."""
        self.monitor.look([message.run])

    def on_run_selected(self, message: messages.RunSelected) -> None:
        """Shows another run."""
        self.follow(message.run)

    def on_show_queue(self) -> None:
        """Opens the queue, but not over a dialog that the next key of a burst has opened."""
        if not isinstance(self.screen, Dialog):
            self.push_screen(QueueDialog(), self._show_queued)

    def on_overlay_toggled(self, message: messages.OverlayToggled) -> None:
        """Follows another run as well, or no longer."""
        if stop := self._overlays.pop(message.run, None):
            stop.set()
            self.overlaid = tuple(one for one in self.overlaid if one.run != message.run)
        elif self.ending.is_set():
            return
        elif len(self._overlays) >= MAX_OVERLAYS:
            self.notify(f"At most {MAX_OVERLAYS} overlays; remove one first", severity="warning")
        else:
            stop = self._overlays[message.run] = threading.Event()
            follower = Follower(message.run)
            self.threads.start(partial(follower.follow, stop))
            self.overlaid = (*self.overlaid, follower)

    def on_command_requested(self, message: messages.CommandRequested) -> None:
        """Sends a command, in the order of the keys."""
        work = partial(_send_command, message.run, message.command, self.post_message)
        self.threads.start(work, lane="commands", must_finish=True)

    def on_command_sent(self, message: messages.CommandSent) -> None:
        """Looks soon whether it has taken effect."""
        self.set_timer(_EFFECT_SECONDS, self.monitor.look)
        if message.busy:
            self.notify(f"Requested. Takes effect after this: {message.busy}", markup=False)

    def _notify_at_startup(self, state: RunsState) -> None:
        """Once all runs were read, shows the running one, or says what the user may want to go on with."""
        if not (self._notices_due and state.complete):
            return
        self._notices_due = False
        opens = bool(state.running) and not self.is_touched
        if opens:
            self.call_later(self.run_action, "go('training')")
        for line in startup_notices(state, with_running=not opens):
            self.notify(line, markup=False, timeout=8)

    def _follow_another(self, before: RunsState, state: RunsState) -> None:
        """Where no run is shown, or it was deleted: one that runs, waits, was interrupted, or any."""
        if self.followed and self.followed.run in before.by_run and self.followed.run not in state.by_run:
            self._unfollow.set()
            self.followed = None
        if self.followed is None:
            interrupted = [one.run for one in state.runs if one.is_interrupted] if not before.complete else []
            ended = [*interrupted, *(one.run for one in state.runs)] if state.complete else []
            waiting = {one.run for one in state.running if one.status.waits}
            running = sorted(self.running_runs, key=lambda run: run in waiting)
            if found := next(iter([*running, *ended]), None):
                self.follow(found)

    async def _show_queued(self, run: RunDirectory | None) -> None:
        if run is not None:
            self.follow(run)
            await self.run_action("go('training')")

    def _resume_on(self, run: RunDirectory, data: str | None) -> None:
        if data:
            self.post_message(messages.ResumeRequested(run, data))

    def _report_end(self, ended: RunState) -> None:
        if self.followed and self.followed.run == ended.run:
            self.followed.status = ended.status  # the follower looks but once a second
        line = f"{ended.run.run_id}: {ended.text}"
        self.notify(line, markup=False)
        self.bell()
        if not self.is_headless and self._driver is not None and understands_notifications(os.environ):
            self._driver.write(terminal_notification(line))

    def _command_in_app_runs(self, command: Command) -> None:
        """Their thread reads it and saves; the process waits for that once the screen is restored."""
        for one in list(self._in_app_runs):
            one.inbox.put(command)

    def _find_logout_note(self) -> None:
        note = what_a_logout_ends(this_machine()) or ""
        self.call_later(setattr, self, "logout_note", note)


# What follows runs in worker threads, and reports by posting messages.


def stop_runs(runs: list[RunDirectory]) -> None:
    """Asks their trainers to save and end."""

    def stop(run: RunDirectory) -> None:
        with suppress(RunError):  # it has ended meanwhile
            send_command(run, Command.STOP_NOW)

    for_each(runs, stop, lambda: False)


def _start_runs(
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


def _resume(run: RunDirectory, data: str | None, post: Post, stop: threading.Event) -> None:
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


def _send_command(run: RunDirectory, command: Command, post: Post) -> None:
    """Sends a command through the control file."""
    try:
        send_command(run, command)
    except RunError as error:
        post(Failed(str(error), severity="warning"))
    else:
        post(messages.CommandSent(busy_stage(run)))
