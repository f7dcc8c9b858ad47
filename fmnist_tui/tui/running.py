"""The part of the app that owns runs: it starts, follows and steers them; screens ask for it by messages."""

from __future__ import annotations

import threading
from functools import partial

from textual.app import App
from textual.reactive import reactive

from fmnist_tui.files import exists
from fmnist_tui.runs.control import deaf_while, send
from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.places import Folders
from fmnist_tui.runs.resuming import check_resumable
from fmnist_tui.runs.status import status_of
from fmnist_tui.runs.summary import summarise
from fmnist_tui.training.control import Command
from fmnist_tui.tui import background, messages
from fmnist_tui.tui.living import LivingSeen, Lookout

_LOOK_SECONDS = 2.0
_HEARD_SECONDS = 0.5
"""After so long a command has usually taken effect."""


class RunsApp(App[None]):
    """Its worker threads belong to the app, never to a screen, so that no run ends with what shows it.

    Attributes:
        folders: Where things lie.
        runs: The folder of runs.
        pace: Seconds between two paintings, as a multiple of the usual.
        followed: The run on the training screen.
        living: The runs that have a trainer, wherever it was started, newest first.
    """

    followed: reactive[Follower | None] = reactive(None)
    living: reactive[tuple[RunDirectory, ...]] = reactive(())

    def __init__(self, folders: Folders, *, pace: float) -> None:
        super().__init__()
        self.folders = folders
        self.runs = folders.runs
        self.pace = pace
        self._ending = threading.Event()
        self._unfollow = threading.Event()
        self._driven_here: list[InAppRun] = []  # a thread appends and removes
        self._lookout = Lookout(self.runs, _LOOK_SECONDS * pace)

    def on_mount(self) -> None:
        """Looks after what lives."""
        self._in_thread(partial(self._lookout.watch, self.post_message))

    def on_unmount(self) -> None:
        """Ends the worker threads, whatever ended the app; trainer processes go on."""
        self._ending.set()
        self._unfollow.set()
        self._lookout.end()
        self._tell_driven_here(Command.STOP_NOW)

    def follow(self, run: RunDirectory) -> None:
        """Shows this run on the training screen."""
        self._unfollow.set()
        self._unfollow = threading.Event()
        follower = Follower(run)
        self._in_thread(partial(follower.follow, self._unfollow))
        self.followed = follower

    def on_training_requested(self, message: messages.TrainingRequested) -> None:
        """Starts the runs, in processes or here."""
        start = partial(background.start, self.folders, message.configs)
        if message.in_app:
            start = partial(background.start_here, self.folders, message.configs, self._driven_here)
        self._in_thread(partial(start, self.post_message, self._ending))

    def on_resume_requested(self, message: messages.ResumeRequested) -> None:
        """Goes on with a run, in a process."""
        try:
            check_resumable(message.run)
        except RunError as error:
            self.notify(str(error), severity="warning", markup=False)
        else:
            self._in_thread(partial(background.drive_processes, [message.run], self.post_message, self._ending))

    def on_runs_launched(self, message: messages.RunsLaunched) -> None:
        """Shows the first of the new runs, unless another one is being watched."""
        runs = message.runs
        if not runs:
            return
        self.living = (*runs, *self.living)
        if self.followed is None or not self.followed.status.has_trainer:
            self.follow(runs[0])
        what = f"{runs[0].run_id} started" if len(runs) == 1 else f"{len(runs)} runs started, one after the other"
        self.notify(what if self.current_mode == "training" else f"{what}: press 3 to watch", markup=False, timeout=4)

    def on_run_ended(self) -> None:
        """One of ours."""
        self._lookout.look()

    def on_living_seen(self, message: LivingSeen) -> None:
        """Tells which runs are over, wherever they were started; shows one that has begun where none is shown."""
        started_since = [run for run in self.living if run not in message.runs and is_held(run)]
        for run in set(self.living) - {*message.runs, *started_since}:
            self._tell_end(run)
        self.living = (*started_since, *message.runs)
        if self.followed is None and self.living:
            self.follow(self.living[0])

    def on_runs_view_changed(self) -> None:
        """Where the run that was shown has been deleted, the newest is shown, if there is one."""
        if self.followed and not exists(self.followed.run.path):
            self._unfollow.set()
            self.followed = None
            if left := list_runs(self.runs):
                self.follow(left[0])

    def on_run_chosen(self, message: messages.RunChosen) -> None:
        """Shows another run."""
        self.follow(message.run)

    def on_command_given(self, message: messages.CommandGiven) -> None:
        """Passes a command on through the control file."""
        try:
            send(message.run, message.command)
        except RunError as error:
            self.notify(str(error), severity="warning", markup=False)
        else:
            self.set_timer(_HEARD_SECONDS, self._lookout.look)
            if busy := deaf_while(message.run):
                self.notify(f"asked; it is done after this: {busy}", markup=False)

    def _tell_end(self, run: RunDirectory) -> None:
        status = status_of(run)
        if self.followed and self.followed.run == run:
            self.followed.status = status  # the follower looks but once a second
        self.notify(f"{run.run_id}: {summarise(run).words}", markup=False)
        self.bell()

    def _tell_driven_here(self, command: Command) -> None:
        """Their thread hears it; told to stop, it saves, and the process waits for it once the screen is restored."""
        for driven in list(self._driven_here):
            driven.inbox.put(command)

    def _in_thread(self, work: partial[None]) -> None:
        self.run_worker(work, thread=True, exit_on_error=False)
