"""The app: four screens, the data, what a person chose, and how one leaves."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from textual._context import active_message_pump
from textual.app import ScreenStackError, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.css.query import NoMatches
from textual.errors import NoWidget
from textual.events import DescendantFocus, Event, InputEvent, Paste
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.widget import AwaitMount
from textual.widgets import Input

from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.commands import Command
from fmnist_tui.tui import background, messages, palette
from fmnist_tui.tui.ascii_filter import AsciiFilter
from fmnist_tui.tui.base_screens import AnsweredOnce, is_gone
from fmnist_tui.tui.choices import Choices, read_choices, write_choices
from fmnist_tui.tui.dialogs.choice import QuitScreen
from fmnist_tui.tui.dialogs.help import HelpScreen
from fmnist_tui.tui.running import RunsApp
from fmnist_tui.tui.startup import MODES, import_all
from fmnist_tui.tui.suspending import Suspending

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CHOICES_SECONDS = 0.05
"""So long the first paint waits for what was chosen before: on most machines it is there at once."""
_SLOWER = 5.0
"""How many times more seldom a screen is painted where every byte counts."""


class FmnistApp(RunsApp):
    """fmnist-tui.

    Attributes:
        told_to_stop: The runs that were told to save and end when the app was left.
    """

    TITLE = "fmnist-tui"
    CSS_PATH = "app.tcss"
    MODES = MODES
    DEFAULT_MODE = "dataset"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (80, "-normal"), (112, "-wide")]
    BINDINGS = [
        Binding("1", "go('dataset')", "Dataset", show=False),
        Binding("2", "go('models')", "Models", show=False),
        Binding("3", "go('training')", "Training", show=False),
        Binding("4", "go('results')", "Results", show=False),
        Binding("question_mark", "help", "Help", key_display="?", tooltip="All keys of this screen"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+q,ctrl+c", "leave", "Quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, priority=True, tooltip="To the shell; fg returns"),
    ]

    def __init__(
        self,
        folders: AppPaths,
        *,
        in_app: bool = False,
        attach: RunDirectory | None = None,
        ascii_only: bool = False,
        low_bandwidth: bool = False,
    ) -> None:
        """Opens nothing yet, but begins to read what was chosen before.

        Args:
            folders: Where things lie.
            in_app: Whether the Models form proposes to train in the app itself.
            attach: A run to show on the training screen at once.
            ascii_only: Whether nothing but ASCII is drawn.
            low_bandwidth: Whether to paint seldom, and images in ASCII.
        """
        super().__init__(folders, pace=_SLOWER if low_bandwidth else 1.0, in_app=in_app)
        self._choices_file = folders.config / "choices.json" if folders.config else None
        self._changes: dict[str, Any] = {}
        self._stored = Choices()
        self._choices_read = threading.Event()
        self.ascii_images = self._ascii_in_any_case = ascii_only or low_bandwidth
        self._choices_are_late = not self._read_choices()
        self._take_choices(Choices() if self._choices_are_late else self._stored)
        self._filters_of_ours: list[LineFilter] = [AsciiFilter()] if ascii_only else []
        self.told_to_stop: list[RunDirectory] = []
        self._first_run = attach
        self._suspending = Suspending(self, self._paint_all)
        self._stop_loading = threading.Event()
        self._early_signals: list[int] = []

    def on_mount(self) -> None:
        """Starts what the first paint doesn't wait for."""
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            loop.add_signal_handler(number, self._end_by_signal, number)
        for early in self._early_signals[:1]:
            self._end_by_signal(early)
        self._suspending.start()
        loop.add_signal_handler(signal.SIGUSR1, self._tell_driven_here, Command.SAVE)
        if self._first_run:
            self._greets = False
            self.follow(self._first_run)
            self.switch_mode("training")
        self._load()

    def on_ready(self) -> None:
        """The first screen is painted: the others may come."""
        self.threads.start(import_all)
        if self._choices_are_late:
            self.threads.start(self._wait_for_choices)

    def delay_update(self, delay: float = 0.001) -> None:
        """Textual waits a twentieth of a second before it paints another screen; here whoever presses a key waits."""
        super().delay_update(min(delay, 0.001))

    def hear_signals(self) -> None:
        """From now on a signal ends the app, as soon as it can restore the terminal; call it before `run`."""
        for number in _ENDING:
            signal.signal(number, lambda number, _: self._early_signals.append(number))

    def on_unmount(self) -> None:
        """Fetches no further; from now on a SIGCONT, which comes with a lost terminal, can't start the screen anew."""
        self._stop_loading.set()
        signal.signal(signal.SIGCONT, signal.SIG_DFL)

    async def action_go(self, mode: str) -> None:
        """Another of the four screens; keys that follow are its keys."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if self.is_leaving:
            return
        if mode == "training":
            self.clear_notifications()  # they lie over the headline, and most of them said: press 3
        await self.switch_mode(mode)

    def action_suspend_process(self) -> None:
        """To the shell; trainer processes keep running, in-app runs pause with the app."""
        self._suspending.suspend()

    def _paint_all(self) -> None:
        """The terminal knows nothing of the screen any more."""
        self.refresh(layout=True)

    def action_help(self) -> None:
        """The keys of the current screen."""
        self.push_screen(HelpScreen(list(self.screen.active_bindings.values())))

    async def action_leave(self) -> None:
        """Quits; asks first while a run lives."""
        await self.look_again()
        live, here = self._live(), {driven.run for driven in self._driven_here}
        if not live:
            self.exit()
        else:
            self.push_screen(QuitScreen([run.run_id for run in live], ends_some=bool(here & set(live))), self._leave)

    def _live(self) -> list[RunDirectory]:
        """The runs that have a trainer, and those that were launched since they were looked at."""
        seen = self.monitor.seen
        return [*(run for run in self.living if run not in seen.by_run), *(one.run for one in seen.running)]

    def on_dataset_loaded(self, message: messages.DatasetLoaded) -> None:
        """The images are there: hands them down."""
        self.dataset = message.dataset

    def on_dataset_progressed(self, message: messages.DatasetProgressed) -> None:
        """They are on their way."""
        self.dataset_progress = message.progress

    def on_dataset_failed(self, message: messages.DatasetFailed) -> None:
        """There are none; v0 to v3 can't be trained, but runs and results can be looked at."""
        self.dataset_fault = message.reason
        if self.current_mode != "dataset":
            self.notify(message.reason, title="No data", severity="error", timeout=20, markup=False)

    def on_dataset_stopped(self) -> None:
        """There are none yet, as somebody wished."""
        self.dataset_fault = "Stopped before all the images were there."

    def on_dataset_unwanted(self) -> None:
        """Somebody doesn't want to wait for them."""
        self._stop_loading.set()

    def on_dataset_wanted(self, message: messages.DatasetWanted) -> None:
        """Tries again; whoever takes the demo set trains with it too."""
        if not self.dataset_fault:
            return
        if message.demo:
            self.folders = replace(self.folders, data="demo")
        self._load()

    def on_failed(self, message: messages.Failed) -> None:
        """Tells what went wrong."""
        timeout = 12 if message.severity == "error" else None
        self.notify(message.reason, severity=message.severity, timeout=timeout, markup=False)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A cursor that blinks would send bytes while nothing happens: it stands still."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_chosen(self, message: messages.Chosen) -> None:
        """Keeps what somebody chose."""
        self.ascii_images = message.changes.get("ascii_images", self.ascii_images)
        self._remember(message.changes)

    def on_choices_read(self, message: messages.ChoicesRead) -> None:
        """They come after the first paint; what was chosen meanwhile holds."""
        self._take_choices(message.choices)
        self.late_choices = self.choices

    def watch_theme(self, theme: str) -> None:
        """Keeps a theme that somebody chose."""
        if theme != self.choices.theme:
            self._remember({"theme": theme})

    async def on_event(self, event: Event) -> None:
        """Keys that come behind the one that ended the app, in the same burst, find no screen any more."""
        if not isinstance(event, InputEvent | Paste) or (self.screen_stack and not self.is_leaving):
            await super().on_event(event)

    def _handle_exception(self, error: Exception) -> None:
        """A screen that is closed while its widgets are still being made misses some of them: that ends no app."""
        gone = self.is_leaving or is_gone(active_message_pump.get(None))
        if not (gone and isinstance(error, NoMatches | NoWidget | ScreenStackError | ValueError)):
            super()._handle_exception(error)

    def exit(self, *given: Any, **named: Any) -> None:
        """From now on nothing is opened any more, and the terminal isn't taken again."""
        self.is_leaving = True
        self._suspending.end()
        super().exit(*given, **named)

    def pop_screen(self) -> AwaitComplete:
        """As Textual does it; the screen knows that it is over, whatever closed it."""
        top, closing = self.screen, super().pop_screen()
        if isinstance(top, AnsweredOnce):
            top.is_over = True
        return closing

    def push_screen(self, screen: Any, *given: Any, **named: Any) -> Any:
        """As Textual does it, but no dialog is opened twice.

        Keys that come in a burst would stack the quit dialog and the command palette on each other without end. Each is
        drawn over all those below, and sixteen of them are more than Python's stack holds.
        """
        if isinstance(screen, AnsweredOnce) and (self.is_leaving or type(screen) in map(type, self.screen_stack)):
            return AwaitMount(self.screen, [])
        return super().push_screen(screen, *given, **named)

    def action_command_palette(self) -> None:
        """Every action by its name."""
        self.push_screen(palette.Palette())

    def search_themes(self) -> None:
        """All themes, to choose one."""
        self.push_screen(palette.Palette(providers=[ThemeProvider], placeholder="Search for themes..."))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action, for the command palette."""
        return palette.commands(self, screen)

    def get_key_display(self, binding: Binding) -> str:
        """A word where Textual has a picture that few fonts and no ASCII screen can show."""
        return "enter" if binding.key == "enter" else super().get_key_display(binding)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes before it is sent."""
        return [*super().get_line_filters(), *self._filters_of_ours]

    def _load(self) -> None:
        """Loads the images, fetching them where needed."""
        self.dataset_progress, self.dataset_fault = None, ""
        self._stop_loading = threading.Event()
        load = partial(background.load_dataset, self.folders.data, self.folders.cache)
        self.threads.start(partial(load, self.post_message, self._stop_loading))

    def _read_choices(self) -> bool:
        """Reads what was chosen before; returns whether it is there already."""
        if self._choices_file is None:
            return True
        file = self._choices_file

        def read() -> None:
            self._stored = read_choices(file)
            self._choices_read.set()

        self.threads.start(read, lane="choices")
        return self._choices_read.wait(_CHOICES_SECONDS)

    def _wait_for_choices(self) -> None:
        self._choices_read.wait()
        self.post_message(messages.ChoicesRead(self._stored))

    def _take_choices(self, stored: Choices) -> None:
        self.choices = replace(stored, **self._changes)
        self.ascii_images = self.choices.ascii_images or self._ascii_in_any_case
        if self.choices.theme in self.available_themes:
            self.theme = self.choices.theme

    def _remember(self, changes: dict[str, Any]) -> None:
        self._changes |= changes
        self.choices = replace(self.choices, **changes)
        if self._choices_file:
            self.threads.start(partial(self._write_choices, self._choices_file), lane="choices")

    def _write_choices(self, file: Path) -> None:
        """What was stored, and what was chosen since. Runs in a thread, in the lane in which it was read."""
        with suppress(OSError):  # a full or read-only home must not disturb anybody
            write_choices(file, replace(self._stored, **dict(self._changes)))

    def _leave(self, choice: str | None) -> None:
        """What was answered when the app was told to quit."""
        if choice == "stop":
            self.told_to_stop = self._live()
            self.threads.start(partial(background.stop_all, self.told_to_stop), must_finish=True)
        if choice in ("leave", "stop"):
            self.exit()

    def _end_by_signal(self, number: int) -> None:
        """The terminal went away, or somebody asked politely: runs driven here are saved, the screen is restored."""
        self.exit(return_code=128 + number)
