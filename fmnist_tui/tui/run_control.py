"""The part of the app that starts, follows and steers runs; screens ask for it by messages."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from fmnist_tui.paths import AppPaths
from fmnist_tui.tui import messages
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.base_screens import Dialog
from fmnist_tui.tui.runs_state import RunsChanged, RunsState, RunState
from fmnist_tui.tui.startup import import_monitor, startup_notices
from fmnist_tui.tui.terminal_notification import terminal_notification, understands_notifications

if TYPE_CHECKING:  # the first paint waits for none of them
    from fmnist_tui.runs.directory import RunDirectory
    from fmnist_tui.runs.follower import Follower
    from fmnist_tui.runs.in_app import InAppRun
    from fmnist_tui.runs.run import Run
    from fmnist_tui.training.events import Command

_EFFECT_SECONDS = 0.5
"""After so long a command has usually taken effect."""
_REFRESH_SECONDS = 0.08
"""How long a key may wait for a fresh look at the runs."""
MAX_OVERLAYS = 8
"""Each is followed by a thread."""


class RunControl(LabApp):
    """Starts and resumes runs, follows one, passes commands on, and reports which have ended."""

    def __init__(self, folders: AppPaths, *, pace: float, in_app: bool) -> None:
        super().__init__(folders, pace=pace, in_app=in_app)
        self._painted = threading.Event()
        self._unfollow = threading.Event()
        self._overlays: dict[RunDirectory, threading.Event] = {}
        self._in_app_runs: list[InAppRun] = []  # a thread appends and removes
        self._ended_with_app: set[RunDirectory] = set()
        self._notices_due = True
        self._logout_checked = False

    def on_ready(self) -> None:
        """Starts the monitor, now that the first screen is painted."""
        self._painted.set()
        self.threads.start(self._watch_runs)

    def on_unmount(self) -> None:
        """Ends the threads, whatever ended the app; trainer processes keep running."""
        self.ending.set()
        self._painted.set()
        for stop in (self._unfollow, *self._overlays.values()):
            stop.set()
        self.monitor.end()
        self.inspection.close()
        self._ended_with_app = {one.run for one in self._in_app_runs}
        self._stop_in_app_runs()

    def follow(self, run: RunDirectory) -> None:
        """Shows this run on the Training screen, unless the app is ending."""
        self._unfollow.set()
        if self.ending.is_set():
            return
        self._unfollow = threading.Event()
        self.followed = self._follower(run, self._unfollow)

    def _follower(self, run: RunDirectory, stop: threading.Event) -> Follower:
        """Begins to follow a run, until `stop` is set."""
        from fmnist_tui.runs.follower import Follower

        def follow() -> None:
            self._painted.wait()  # what it reads would compete with the first paint
            follower.follow(stop)

        follower = Follower(run)
        self.threads.start(follow)
        return follower

    def running_at_exit(self) -> list[RunState]:
        """The runs that have a trainer or wait for one, as last read, newest first; not those that end with the app."""
        return [one for one in self.monitor.state.running if one.run not in self._ended_with_app]

    def read_all_runs(self) -> list[Run]:
        """All runs, newest first; reads those that the monitor hasn't read yet or that were still running.

        Raises:
            RunError: The folder is there but can't be read.
        """
        from fmnist_tui.runs.run import read_run, read_runs

        state = self.monitor.state
        if not state.complete:
            return read_runs(self.runs)
        return [read_run(one.run) if one.status.has_trainer else one.record for one in state.runs]

    def stop_runs(self, runs: list[RunDirectory]) -> None:
        """Asks their trainers to save and end."""
        from fmnist_tui.tui.run_actions import stop_runs

        self.threads.start(partial(stop_runs, runs), must_finish=True)

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
        from fmnist_tui.tui.run_actions import start_runs

        if custom := dict.fromkeys(config.source.given for config in message.configs if config.source):
            self.notify(f"Checking {', '.join(custom)} ...", markup=False, timeout=4)  # that takes seconds
        start = partial(start_runs, message.configs, self.folders, self.post_message, self.ending)
        if message.in_app:
            start = partial(start, in_app_runs=self._in_app_runs)
        self.threads.start(start, must_finish=True)

    def on_resume_requested(self, message: messages.ResumeRequested) -> None:
        """Resumes a run, in a process."""
        from fmnist_tui.tui.run_actions import resume_run

        work = partial(resume_run, message.run, message.data, self.post_message, self.ending)
        self.threads.start(work, must_finish=True)

    def on_data_not_found(self, message: messages.DataNotFound) -> None:
        """Asks where the images are now."""
        from fmnist_tui.tui.dialogs.entry import DataFolderDialog

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
        from fmnist_tui.tui.dialogs.queue import QueueDialog

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
            self.overlaid = (*self.overlaid, self._follower(message.run, stop))

    def on_command_requested(self, message: messages.CommandRequested) -> None:
        """Sends a command, in the order of the keys."""
        from fmnist_tui.tui.run_actions import command_run

        work = partial(command_run, message.run, message.command, self.post_message)
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

    def _stop_in_app_runs(self) -> None:
        from fmnist_tui.training.events import Command

        self._command_in_app_runs(Command.STOP_NOW)

    def _save_in_app_runs(self) -> None:
        from fmnist_tui.training.events import Command

        self._command_in_app_runs(Command.SAVE)

    def _command_in_app_runs(self, command: Command) -> None:
        """Their thread reads it and saves; the process waits for that once the screen is restored."""
        for one in list(self._in_app_runs):
            one.inbox.put(command)

    def _watch_runs(self) -> None:
        import_monitor()
        self.monitor.watch(self.post_message)

    def _find_logout_note(self) -> None:
        from fmnist_tui.tui.run_actions import logout_note

        self.call_later(setattr, self, "logout_note", logout_note())
