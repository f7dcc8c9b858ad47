"""The app: it owns the runs that it started and the data; screens show them and ask for things by messages."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from fmnist_tui.data import Dataset
from fmnist_tui.runs.control import send
from fmnist_tui.runs.directory import RunDirectory, RunError
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.launch import InAppRun
from fmnist_tui.runs.places import Folders
from fmnist_tui.runs.resuming import check_resumable
from fmnist_tui.runs.status import live_runs, status_of
from fmnist_tui.training.control import Command
from fmnist_tui.tui import background, messages, palette
from fmnist_tui.tui.ascii_filter import AsciiFilter
from fmnist_tui.tui.choices import Choices, read_choices, write_choices
from fmnist_tui.tui.greeting import greet
from fmnist_tui.tui.screens.dataset import DatasetScreen
from fmnist_tui.tui.screens.help import HelpScreen
from fmnist_tui.tui.screens.models import ModelsScreen
from fmnist_tui.tui.screens.quit import QuitScreen
from fmnist_tui.tui.screens.results import ResultsScreen
from fmnist_tui.tui.screens.training import TrainingScreen

_LOOK_SECONDS = 1.0
_MOST_THREADS = 64
"""Each training that is waited for holds one, and Python's own default is few on a small machine."""
_SLOWER = 5.0
"""How many times more seldom a screen is painted where every byte counts."""


class FmnistApp(App[None]):
    """fmnist-tui.

    Attributes:
        runs: The folder of runs.
        choices: What the person chose, now or at an earlier start.
        ascii_images: Whether images are drawn in ASCII at first: chosen, or all that this terminal can show.
        pace: Seconds between two paintings, as a multiple of the usual.
        dataset: The images, or None until they are loaded.
        dataset_words: What is known of them while there are none: progress, or what is wrong.
        followed: The run on the training screen.
    """

    TITLE = "fmnist-tui"
    CSS_PATH = "app.tcss"
    MODES = {
        "dataset": DatasetScreen,
        "models": ModelsScreen,
        "training": TrainingScreen,
        "results": ResultsScreen,
    }
    DEFAULT_MODE = "dataset"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (80, "-normal"), (112, "-wide")]
    BINDINGS = [
        Binding("1", "go('dataset')", "Dataset", show=False),
        Binding("2", "go('models')", "Models", show=False),
        Binding("3", "go('training')", "Training", show=False),
        Binding("4", "go('results')", "Results", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "leave", "Quit", priority=False),
        Binding("ctrl+q,ctrl+c", "leave", "Quit", show=False, priority=True),
    ]

    dataset: reactive[Dataset | None] = reactive(None)
    dataset_words: reactive[str] = reactive("")
    followed: reactive[Follower | None] = reactive(None)

    def __init__(
        self,
        folders: Folders,
        *,
        in_app: bool = False,
        attach: RunDirectory | None = None,
        ascii_only: bool = False,
        low_bandwidth: bool = False,
    ) -> None:
        """Opens nothing yet, but reads what was chosen before.

        Args:
            folders: Where things lie.
            in_app: Whether the Models form proposes to train in the app itself.
            attach: A run to show on the training screen at once.
            ascii_only: Whether nothing but ASCII is drawn.
            low_bandwidth: Whether to paint seldom, and images in ASCII.
        """
        super().__init__()
        self.folders = folders
        self.runs = folders.runs
        self.in_app = in_app
        self.pace = _SLOWER if low_bandwidth else 1.0
        self._choices_file = folders.config / "choices.json" if folders.config else None
        self.choices = read_choices(self._choices_file) if self._choices_file else Choices()
        self.ascii_images = self.choices.ascii_images or ascii_only or low_bandwidth
        if self.choices.theme in self.available_themes:
            self.theme = self.choices.theme
        self._filters_of_ours: list[LineFilter] = [AsciiFilter()] if ascii_only else []
        self._first_run = attach
        self._ending = threading.Event()
        self._unfollow = threading.Event()
        self._driven_here: list[InAppRun] = []  # a thread appends and removes
        self._living: set[RunDirectory] = set()

    def on_mount(self) -> None:
        """Starts what the first paint doesn't wait for."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="worker"))
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end_by_signal, number)
        loop.add_signal_handler(signal.SIGUSR1, self._tell_driven_here, Command.SAVE)
        if self._first_run:
            self.follow(self._first_run)
            self.switch_mode("training")
        load = partial(background.load_dataset, self.folders.data, self.folders.cache)
        self._in_thread(partial(load, self.post_message, self._ending))
        self._in_thread(partial(greet, self.runs, self.post_message))
        self.set_interval(_LOOK_SECONDS, self._look_after_followed)

    def on_unmount(self) -> None:
        """Ends the worker threads, whatever ended the app; trainer processes go on."""
        self._ending.set()
        self._unfollow.set()
        self._tell_driven_here(Command.STOP_NOW)

    def action_go(self, mode: str) -> None:
        """Another of the four screens."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.switch_mode(mode)

    def action_help(self) -> None:
        """The keys of the current screen."""
        self.push_screen(HelpScreen(list(self.screen.active_bindings.values())))

    def action_leave(self) -> None:
        """Quits; asks first while a run lives."""
        live = live_runs(self.runs)
        if not live:
            self.exit()
        elif not isinstance(self.screen, QuitScreen):
            here = {driven.run for driven in self._driven_here}
            self.push_screen(QuitScreen([run.run_id for run in live], ends_some=bool(here & set(live))), self._leave)

    def follow(self, run: RunDirectory) -> None:
        """Shows this run on the training screen."""
        self._unfollow.set()
        self._unfollow = threading.Event()
        follower = Follower(run)
        self._in_thread(partial(follower.follow, self._unfollow))
        self.followed = follower

    def on_greeted(self, message: messages.Greeted) -> None:
        """Says what waits, and shows the newest live run, else one that was interrupted, else the newest."""
        for line in message.words:
            self.notify(line, markup=False, timeout=8)
        if message.run and self.followed is None:
            self.follow(message.run)

    def on_dataset_loaded(self, message: messages.DatasetLoaded) -> None:
        """The images are there: hands them down."""
        self.dataset = message.dataset

    def on_dataset_progressed(self, message: messages.DatasetProgressed) -> None:
        """They are on their way."""
        self.dataset_words = message.words

    def on_dataset_failed(self, message: messages.DatasetFailed) -> None:
        """There are none; v0 to v3 can't be trained, but runs and results can be looked at."""
        self.dataset_words = message.reason
        self.notify(message.reason, title="No data", severity="error", timeout=20, markup=False)

    def on_failed(self, message: messages.Failed) -> None:
        """Tells what went wrong."""
        self.notify(message.reason, severity="error", timeout=12, markup=False)

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

    def on_run_launched(self, message: messages.RunLaunched) -> None:
        """Shows the new run, unless another one is being watched."""
        self._living.add(message.run)
        if self.followed is None or not self.followed.status.has_trainer:
            self.follow(message.run)
        self.notify(f"{message.run.run_id} started: press 3 to watch it", markup=False, timeout=4)

    def on_run_ended(self, message: messages.RunEnded) -> None:
        """Tells that a run is over; once, whoever saw it first."""
        if message.run not in self._living:
            return
        self._living.discard(message.run)
        status = status_of(message.run)
        if self.followed and self.followed.run == message.run:
            self.followed.status = status  # the follower looks but once a second
        self.notify(f"{message.run.run_id}: {status}", markup=False)
        self.bell()

    def on_run_chosen(self, message: messages.RunChosen) -> None:
        """Shows another run."""
        self.follow(message.run)

    def on_command_given(self, message: messages.CommandGiven) -> None:
        """Passes a command on through the control file."""
        try:
            send(message.run, message.command)
        except RunError as error:
            self.notify(str(error), severity="warning", markup=False)

    def on_chosen(self, message: messages.Chosen) -> None:
        """Keeps what somebody chose."""
        self._remember(message.changes)

    def watch_theme(self, theme: str) -> None:
        """Keeps a theme that somebody chose."""
        if theme != self.choices.theme:
            self._remember({"theme": theme})

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action, for the command palette."""
        return palette.commands(self, screen)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes before it is sent."""
        return [*super().get_line_filters(), *self._filters_of_ours]

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A thread died of something that nobody foresaw: said, not hidden; the app goes on."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            self.notify(f"{type(error).__name__}: {error}", severity="error", timeout=20, markup=False)

    def _remember(self, changes: dict[str, Any]) -> None:
        self.choices = replace(self.choices, **changes)
        if self._choices_file:
            with suppress(OSError):  # a full or read-only home must not disturb anybody
                write_choices(self._choices_file, self.choices)

    def _look_after_followed(self) -> None:
        """A run that was started elsewhere is told of when it ends, as our own are."""
        if self.followed is None:
            return
        if self.followed.status.has_trainer:
            self._living.add(self.followed.run)
        else:
            self.on_run_ended(messages.RunEnded(self.followed.run))

    def _leave(self, choice: str | None) -> None:
        """What was answered when the app was told to quit."""
        if choice == "stop":
            background.stop_all(live_runs(self.runs))
        if choice in ("leave", "stop"):
            self.exit()

    def _end_by_signal(self, number: int) -> None:
        """The terminal went away, or somebody asked politely: runs driven here are saved, the screen is restored."""
        self.exit(return_code=128 + number)

    def _tell_driven_here(self, command: Command) -> None:
        """Their thread hears it; told to stop, it saves, and the process waits for it once the screen is restored."""
        for driven in list(self._driven_here):
            driven.inbox.put(command)

    def _in_thread(self, work: partial[None]) -> None:
        self.run_worker(work, thread=True, exit_on_error=False)
