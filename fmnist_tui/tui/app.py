"""The app: it owns the runs that it started and the data; screens show them and ask for things by messages."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

from textual.app import App
from textual.binding import Binding
from textual.reactive import reactive
from textual.worker import Worker, WorkerState

from fmnist_tui.data import Dataset
from fmnist_tui.runs.control import send
from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.launch import InAppRun
from fmnist_tui.runs.resuming import check_resumable
from fmnist_tui.runs.status import status_of
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.control import Command
from fmnist_tui.tui import background, messages
from fmnist_tui.tui.greeting import greet
from fmnist_tui.tui.screens.dataset import DatasetScreen
from fmnist_tui.tui.screens.help import HelpScreen
from fmnist_tui.tui.screens.models import ModelsScreen
from fmnist_tui.tui.screens.quit import QuitScreen
from fmnist_tui.tui.screens.results import ResultsScreen
from fmnist_tui.tui.screens.training import TrainingScreen


class FmnistApp(App[None]):
    """fmnist-tui.

    Attributes:
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
        runs: Path,
        data: str | None,
        cache: Path,
        *,
        in_app: bool = False,
        attach: RunDirectory | None = None,
    ) -> None:
        """Opens nothing yet.

        Args:
            runs: The folder of runs.
            data: The folder of the data, "demo", or None for the usual places.
            cache: Where fetched and decoded data is kept.
            in_app: Whether the Models form proposes to train in the app itself.
            attach: A run to show on the training screen at once.
        """
        super().__init__()
        self.runs = runs
        self.data = data
        self.cache = cache
        self.in_app = in_app
        self._first_run = attach
        self._ending = threading.Event()
        self._unfollow = threading.Event()
        self._driven_here: list[InAppRun] = []  # a thread appends and removes

    def on_mount(self) -> None:
        """Starts what the first paint doesn't wait for."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end_by_signal, number)
        if self._first_run:
            self.follow(self._first_run)
            self.switch_mode("training")
        self._in_thread(partial(background.load_dataset, self.data, self.cache, self.post_message, self._ending))
        self._in_thread(partial(greet, self.runs, self.post_message))

    def on_unmount(self) -> None:
        """Ends the worker threads, whatever ended the app; trainer processes go on."""
        self._ending.set()
        self._unfollow.set()
        self._stop_driven_here()

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
        live = self._runs_with_trainers()
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
        """Says what waits, and shows the newest live run, else the newest that was interrupted."""
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
        self._in_thread(partial(self._start, message.configs, in_app=message.in_app))

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
        if self.followed is None or not self.followed.status.has_trainer:
            self.follow(message.run)
        self.notify(f"{message.run.run_id} started: press 3 to watch it", markup=False, timeout=4)

    def on_run_ended(self, message: messages.RunEnded) -> None:
        """Tells that a run is over."""
        self.notify(f"{message.run.run_id}: {status_of(message.run)}", markup=False)
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

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A thread died of something that nobody foresaw: said, not hidden; the app goes on."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            self.notify(f"{type(error).__name__}: {error}", severity="error", timeout=20, markup=False)

    def _start(self, configs: list[TrainingConfig], *, in_app: bool) -> None:
        """Runs in a thread."""
        made = background.request_runs(self.runs, configs, self.data, self.post_message)
        if not in_app:
            background.drive_processes(made, self.post_message, self._ending)
            return
        background.drive_here(made, self._driven_here, self.post_message, self._ending)

    def _leave(self, choice: str | None) -> None:
        """What was answered when the app was told to quit."""
        if choice == "stop":
            for run in self._runs_with_trainers():
                with suppress(RunError):  # it has ended meanwhile
                    send(run, Command.STOP_NOW)
        if choice in ("leave", "stop"):
            self.exit()

    def _runs_with_trainers(self) -> list[RunDirectory]:
        """None where the folder can't be read: that must keep nobody in the app."""
        try:
            return [run for run in list_runs(self.runs) if status_of(run).has_trainer]
        except RunError:
            return []

    def _end_by_signal(self, number: int) -> None:
        """The terminal went away, or somebody asked politely: runs driven here are saved, the screen is restored."""
        self.exit(return_code=128 + number)

    def _stop_driven_here(self) -> None:
        """Their thread saves and ends; the process waits for it after the screen is restored."""
        for driven in list(self._driven_here):
            driven.inbox.put(Command.STOP_NOW)

    def _in_thread(self, work: partial[None]) -> None:
        self.run_worker(work, thread=True, exit_on_error=False)
