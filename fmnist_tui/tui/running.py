"""The part of the app that owns runs: it starts, follows and steers them; screens ask for it by messages."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from functools import partial

from fmnist_tui.doctor.logout import what_a_logout_ends
from fmnist_tui.host.machine import this_machine
from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.run import Run, read_run, read_runs
from fmnist_tui.training.commands import Command
from fmnist_tui.tui import background, messages
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.dialogs.entry import MovedDataScreen
from fmnist_tui.tui.run_monitor import RunsSeen, SeenRun, SeenRuns
from fmnist_tui.tui.startup import greeting

_HEARD_SECONDS = 0.5
"""After so long a command has usually taken effect."""
_FRESH_SECONDS = 0.08
"""So long a key may wait for a look at the runs."""


class RunsApp(LabApp):
    """The part of the app that starts, follows and steers runs."""

    def __init__(self, folders: AppPaths, *, pace: float, in_app: bool) -> None:
        super().__init__(folders, pace=pace, in_app=in_app)
        self._unfollow = threading.Event()
        self._driven_here: list[InAppRun] = []  # a thread appends and removes
        self._ended_here: set[RunDirectory] = set()
        self._greets = True
        self._asked_for_note = False

    def on_mount(self) -> None:
        """Keeps an eye on the runs."""
        self.threads.start(partial(self.monitor.watch, self.post_message))

    def on_unmount(self) -> None:
        """Ends the threads, whatever ended the app; trainer processes keep running."""
        self.ending.set()
        self._unfollow.set()
        self.monitor.end()
        self._ended_here = {driven.run for driven in self._driven_here}
        self._tell_driven_here(Command.STOP_NOW)

    def follow(self, run: RunDirectory) -> None:
        """Shows this run on the training screen."""
        self._unfollow.set()
        self._unfollow = threading.Event()
        follower = Follower(run)
        self.threads.start(partial(follower.follow, self._unfollow))
        self.followed = follower

    def running_now(self) -> list[SeenRun]:
        """The runs that have a trainer or wait for one, as last seen, newest first; not those that end with the app."""
        return [seen for seen in self.monitor.seen.running if seen.run not in self._ended_here]

    def records_now(self) -> list[Run]:
        """All runs, newest first; reads what wasn't read yet, and those again that were still running.

        Raises:
            RunError: The folder is there but can't be read.
        """
        seen = self.monitor.seen
        if not seen.complete:
            return read_runs(self.runs)
        return [read_run(one.run) if one.status.has_trainer else one.record for one in seen.runs]

    async def look_again(self) -> None:
        """Sees what runs now, or, where that takes longer than a key may, what did a moment ago."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def then() -> None:
            with suppress(RuntimeError):  # the app has ended meanwhile
                loop.call_soon_threadsafe(done.set)

        self.monitor.look(then=then)
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _FRESH_SECONDS)

    def on_training_requested(self, message: messages.TrainingRequested) -> None:
        """Starts the runs, in processes or here."""
        start = partial(background.start, self.folders, message.configs)
        if message.in_app:
            start = partial(background.start_here, self.folders, message.configs, self._driven_here)
        self.threads.start(partial(start, self.post_message, self.ending), must_finish=True)

    def on_resume_requested(self, message: messages.ResumeRequested) -> None:
        """Goes on with a run, in a process."""
        work = partial(background.resume, message.run, message.data, self.post_message, self.ending)
        self.threads.start(work, must_finish=True)

    def on_data_missed(self, message: messages.DataMissed) -> None:
        """Asks where the images are now."""
        self.push_screen(MovedDataScreen(message.run.run_id, message.reason), partial(self._resume_on, message.run))

    def on_runs_launched(self, message: messages.RunsLaunched) -> None:
        """Shows the first of the new runs, unless another one is being watched."""
        runs = message.runs
        if not runs:
            return
        self.monitor.look(runs)
        self.living = (*runs, *(run for run in self.living if run not in runs))
        if self.followed is None or not self.followed.status.has_trainer:
            self.follow(runs[0])
        what = f"{runs[0].run_id} started" if len(runs) == 1 else f"{len(runs)} runs started, one after the other"
        self.notify(what if self.current_mode == "training" else f"{what}: press 3 to watch", markup=False, timeout=4)

    def on_run_ended(self) -> None:
        """One of ours."""
        self.monitor.look()

    def on_runs_seen(self, message: RunsSeen) -> None:
        """Shows a run where none is shown, and reports which have ended, wherever they were started."""
        before, self.seen = self.seen, message.seen
        running = [seen.run for seen in message.seen.running]
        for run in self.living:
            if run in running:
                continue
            if (seen := message.seen.by_run.get(run)) is None:
                if run not in before.by_run:  # launched a moment ago, and not read since
                    running.insert(0, run)
            else:
                self._tell_end(seen)
        self.living = tuple(running)
        if self.living and not self._asked_for_note:
            self._asked_for_note = True
            self.threads.start(self._find_logout_note)
        self._greet(message.seen)
        self._follow_another(before, message.seen)

    def on_run_changed(self, message: messages.RunChanged) -> None:
        """One has another label, or is gone."""
        self.monitor.look([message.run])

    def on_run_chosen(self, message: messages.RunChosen) -> None:
        """Shows another run."""
        self.follow(message.run)

    def on_command_given(self, message: messages.CommandGiven) -> None:
        """Passes a command on, in the order of the keys."""
        work = partial(background.give, message.run, message.command, self.post_message)
        self.threads.start(work, lane="commands", must_finish=True)

    def on_command_sent(self, message: messages.CommandSent) -> None:
        """Looks soon whether it has taken effect."""
        self.set_timer(_HEARD_SECONDS, self.monitor.look)
        if message.busy:
            self.notify(f"asked; it is done after this: {message.busy}", markup=False)

    def _greet(self, seen: SeenRuns) -> None:
        """Once all runs were read, says what waits."""
        if self._greets and seen.complete:
            self._greets = False
            for line in greeting(seen):
                self.notify(line, markup=False, timeout=8)

    def _follow_another(self, before: SeenRuns, seen: SeenRuns) -> None:
        """Where no run is shown, or the one that was has been deleted: one that runs, or was interrupted, or any."""
        if self.followed and self.followed.run in before.by_run and self.followed.run not in seen.by_run:
            self._unfollow.set()
            self.followed = None
        if self.followed is None:
            interrupted = [one.run for one in seen.runs if one.is_interrupted] if not before.complete else []
            ended = [*interrupted, *(one.run for one in seen.runs)] if seen.complete else []
            if found := next(iter([*self.living, *ended]), None):
                self.follow(found)

    def _resume_on(self, run: RunDirectory, data: str | None) -> None:
        if data:
            self.post_message(messages.ResumeRequested(run, data))

    def _tell_end(self, seen: SeenRun) -> None:
        if self.followed and self.followed.run == seen.run:
            self.followed.status = seen.status  # the follower looks but once a second
        self.notify(f"{seen.run.run_id}: {seen.text}", markup=False)
        self.bell()

    def _tell_driven_here(self, command: Command) -> None:
        """Their thread hears it; told to stop, it saves, and the process waits for it once the screen is restored."""
        for driven in list(self._driven_here):
            driven.inbox.put(command)

    def _find_logout_note(self) -> None:
        note = what_a_logout_ends(this_machine()) or ""
        self.call_later(setattr, self, "logout_note", note)
