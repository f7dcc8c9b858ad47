"""The app: its screens, the data, the settings, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from textual.widgets import Input, OptionList

from fmnist_tui.keymap import FILE_NAME
from fmnist_tui.paths import AppPaths
from fmnist_tui.tui import messages
from fmnist_tui.tui.ascii_filter import AsciiFilter
from fmnist_tui.tui.base_screens import Dialog, SafeScreen, is_gone, unless_gone
from fmnist_tui.tui.graphics import FullResolution
from fmnist_tui.tui.keys import usable_keymap
from fmnist_tui.tui.lazy import LazyModule
from fmnist_tui.tui.preparing import Preparing
from fmnist_tui.tui.run_control import RunControl
from fmnist_tui.tui.settings import Settings, read_settings, write_settings
from fmnist_tui.tui.startup import MODES, help_dialog, import_all, inspector, load_images, quit_dialog, step_by_step
from fmnist_tui.tui.stylesheet import LabStylesheet
from fmnist_tui.tui.suspending import Suspending, is_terminal_lost
from fmnist_tui.tui.themes import DARK, THEMES
from fmnist_tui.tui.widgets.key_line import arrows_named
from fmnist_tui.tui.widgets.nav import SCREENS

if TYPE_CHECKING:  # the first paint waits for none of them
    from fmnist_tui.runs.directory import RunDirectory
    from fmnist_tui.tui import palette
else:
    palette = LazyModule("fmnist_tui.tui.palette")

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TERMINAL_SECONDS = 2.0
"""Between two checks whether the terminal still exists."""
_SETTINGS_SECONDS = 0.05
"""How long the first paint waits for the settings file: on most machines it is read at once."""
_LOW_BANDWIDTH_PACE = 5.0
"""How many times less often a screen is painted with --low-bandwidth."""


class FmnistApp(RunControl, FullResolution, Preparing):
    """fmnist-tui.

    Attributes:
        stopped_at_exit: The runs that were asked to save and end when the app was left.
    """

    TITLE = "fmnist-tui"
    CSS_PATH = "app.tcss"
    MODES = MODES
    DEFAULT_MODE = "dataset"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (80, "-normal"), (112, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-compact"), (25, "-medium"), (34, "-high")]
    BINDINGS = [
        *(
            Binding(f"{key}", f"go('{name}')", title, show=False, tooltip=f"Go to {title}")
            for key, (name, title) in enumerate(SCREENS, 1)
        ),
        Binding("question_mark", "help", "Help", key_display="?", tooltip="All keys of this screen"),
        Binding("q", "leave", "Quit", tooltip="Leave the app; asks first while a run is running"),
        Binding("ctrl+q,ctrl+c", "leave", "Quit", show=False, priority=True, id="app.quit-always"),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            priority=True,
            tooltip="Suspend to the shell; fg returns",
        ),
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
        """Opens nothing yet, but begins to read the settings.

        Args:
            folders: Runs, data, cache and configuration.
            in_app: Whether the Models form proposes to train in the app itself.
            attach: A run to show on the Training screen at once.
            ascii_only: Whether nothing but ASCII is drawn.
            low_bandwidth: Whether to paint less often, and images in ASCII.
        """
        if attach:
            setattr(self, "DEFAULT_MODE", "training")  # noqa: B010 - typed as the class's
        super().__init__(folders, pace=_LOW_BANDWIDTH_PACE if low_bandwidth else 1.0, in_app=in_app)
        for theme in THEMES:
            self.register_theme(theme)
        self.stylesheet = LabStylesheet(self.get_css_variables())
        self._settings_file = folders.config / "choices.json" if folders.config else None
        self._keys_file = folders.config / FILE_NAME if folders.config else None
        self._changes: dict[str, Any] = {}
        self._saved = Settings()
        self._settings_read = threading.Event()
        self.ascii_images = self._always_ascii = ascii_only or low_bandwidth
        self._settings_are_late = not self._read_settings()
        self._apply_settings(Settings() if self._settings_are_late else self._saved)
        self._ascii_filters: list[LineFilter] = [AsciiFilter()] if ascii_only else []
        self.stopped_at_exit: list[RunDirectory] = []
        self._first_run = attach
        self._suspending = Suspending(self, self.drain, self.action_repaint)
        self._stop_loading = threading.Event()
        self._early_signals: list[int] = []

    def on_mount(self) -> None:
        """Handles signals from now on, and opens the first run."""
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            loop.add_signal_handler(number, self._end_by_signal, number)
        for early in self._early_signals[:1]:
            self._end_by_signal(early)
        self._suspending.start()
        if not self.is_headless:
            self.set_interval(_TERMINAL_SECONDS, self._end_without_terminal)
        loop.add_signal_handler(signal.SIGUSR1, self._save_in_app_runs)
        if self._first_run:
            self._notices_due = False
            self.follow(self._first_run)

    def on_ready(self) -> None:
        """Loads the images and imports the other screens, now that the first one is painted."""
        self._load()
        self.threads.start(self._import_and_read_keys)
        if self._settings_are_late:
            self.threads.start(self._wait_for_settings)

    def handle_signals(self) -> None:
        """From now on a signal ends the app, as soon as it can restore the terminal; call it before `run`."""
        for number in _ENDING:
            signal.signal(number, lambda number, _: self._early_signals.append(number))

    def on_unmount(self) -> None:
        """Cancels the loading; from now on a SIGCONT, which comes with a lost terminal, can't restart the screen."""
        self._stop_loading.set()
        signal.signal(signal.SIGCONT, signal.SIG_DFL)

    async def action_go(self, mode: str) -> None:
        """Shows another screen; keys that follow in the same burst reach that screen."""
        if active_message_pump.get() is not self:  # a clicked widget can't wait until its own screen is closed
            self.call_later(self.action_go, mode)
            return
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if self.is_leaving:
            return
        if mode == "training":
            self.clear_notifications()  # they cover the headline, and most of them say: press 3
        await self.switch_mode(mode)

    def action_suspend_process(self) -> None:
        """Suspends to the shell; trainer processes keep running, in-app runs pause with the app."""
        self._suspending.suspend()

    def action_help(self) -> None:
        """Lists the keys of the current screen."""
        self.push_screen(help_dialog(list(self.screen.active_bindings.values())))

    async def action_leave(self) -> None:
        """Quits; asks first while a run is running."""
        await self.refresh_runs()
        running, in_app = self._runs_now(), {one.run for one in self._in_app_runs}
        if not running:
            self.exit()
        else:
            dialog = quit_dialog([run.run_id for run in running], ends_some=bool(in_app & set(running)))
            self.push_screen(dialog, self._leave)

    def _runs_now(self) -> list[RunDirectory]:
        """The runs that have a trainer, and those that were started since the monitor read the folder."""
        state = self.monitor.state
        return [*(run for run in self.running_runs if run not in state.by_run), *(one.run for one in state.running)]

    def on_dataset_loaded(self, message: messages.DatasetLoaded) -> None:
        """Passes the images on to the screens."""
        self.dataset = message.dataset

    def on_class_means_ready(self, message: messages.ClassMeansReady) -> None:
        """Passes the mean images on to the screens."""
        self.class_means = message.means

    def on_dataset_progressed(self, message: messages.DatasetProgressed) -> None:
        """Shows how far they are loaded."""
        self.dataset_progress = message.progress

    def on_dataset_failed(self, message: messages.DatasetFailed) -> None:
        """Without images nothing can be trained, but runs and results can be viewed."""
        self.dataset_fault = message.reason
        if self.current_mode != "dataset":
            self.notify(message.reason, title="No data", severity="error", timeout=20, markup=False)

    def on_dataset_cancelled(self) -> None:
        """Says so instead of the progress."""
        self.dataset_fault = "Loading was cancelled."

    def on_dataset_cancel_requested(self) -> None:
        """Cancels the loading."""
        self._stop_loading.set()

    def on_dataset_requested(self, message: messages.DatasetRequested) -> None:
        """Tries again; with the demo set, training uses it as well."""
        if not self.dataset_fault:
            return
        if message.demo:
            self.folders = replace(self.folders, data="demo")
        self._load()

    def on_failed(self, message: messages.Failed) -> None:
        """Shows what went wrong."""
        timeout = 12 if message.severity == "error" else None
        self.notify(message.reason, severity=message.severity, timeout=timeout, markup=False)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Stops the cursor's blinking, which would send bytes while nothing happens."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_inspect(self, message: messages.Inspect) -> None:
        """Opens the Inspector, but not over a dialog that the next key of a burst has opened."""
        screen = inspector(message, self.runs_state, self.dataset)
        if isinstance(screen, str):
            self.notify(screen, severity="warning", markup=False)
        elif not isinstance(self.screen, Dialog):
            self.push_screen(screen)

    def on_step_by_step(self, message: messages.StepByStep) -> None:
        """Opens the page on backpropagation, likewise."""
        if not isinstance(self.screen, Dialog):
            self.push_screen(step_by_step(message))

    def on_settings_changed(self, message: messages.SettingsChanged) -> None:
        """Applies and saves changed settings."""
        self.ascii_images = message.changes.get("ascii_images", self.ascii_images)
        self._save_settings(message.changes)

    def on_settings_read(self, message: messages.SettingsRead) -> None:
        """Applies settings that were read after the first paint; what was changed meanwhile takes precedence."""
        self._apply_settings(message.settings)
        self.late_settings = self.settings

    def watch_theme(self, theme: str) -> None:
        """Saves the theme."""
        if theme != self.settings.theme:
            self._save_settings({"theme": theme})

    async def on_event(self, event: Event) -> None:
        """Drops keys that follow the one that ended the app in the same burst: there is no screen any more."""
        self.is_touched |= isinstance(event, InputEvent | Paste)
        if not isinstance(event, InputEvent | Paste) or (self.screen_stack and not self.is_leaving):
            await super().on_event(event)

    async def run_action(self, action: Any, default_namespace: Any = None, *given: Any, **named: Any) -> bool:
        """As Textual does it, except in a list that isn't laid out, and on a screen that lacks widgets."""
        with unless_gone(default_namespace):
            if not isinstance(default_namespace, OptionList) or default_namespace.scrollable_content_region:
                return await super().run_action(action, default_namespace, *given, **named)
        return False

    def _handle_exception(self, error: Exception) -> None:
        """Ignores that a screen which was closed while it was being built lacks some of its widgets."""
        gone = self.is_leaving or is_gone(active_message_pump.get(None))
        if not (gone and isinstance(error, NoMatches | NoWidget | ScreenStackError | ValueError)):
            super()._handle_exception(error)

    def exit(self, *given: Any, **named: Any) -> None:
        """From now on no dialog opens, and the terminal isn't taken back."""
        self.is_leaving = True
        self._suspending.end()
        self.drain()
        super().exit(*given, **named)

    def pop_screen(self) -> AwaitComplete:
        """As Textual does it; the screen is marked as over, whatever closed it."""
        top, closing = self.screen, super().pop_screen()
        if isinstance(top, SafeScreen):
            top.is_over = True
        return closing

    def push_screen(self, screen: Any, *given: Any, **named: Any) -> Any:
        """As Textual does it, but no dialog is opened twice.

        Keys that come in a burst would stack the quit dialog and the command palette on each other without end. Each is
        drawn over all those below, and sixteen of them are more than Python's stack holds.
        """
        if isinstance(screen, SafeScreen) and (self.is_leaving or type(screen) in map(type, self.screen_stack)):
            return AwaitMount(self.screen, [])
        return super().push_screen(screen, *given, **named)

    def action_command_palette(self) -> None:
        """Opens the command palette."""
        self.push_screen(palette.Palette())

    def search_themes(self) -> None:
        """Opens the command palette with all themes."""
        self.push_screen(palette.Palette(providers=[ThemeProvider], placeholder="Search for themes..."))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """All actions, for the command palette."""
        return palette.commands(self, screen)

    def get_key_display(self, binding: Binding) -> str:
        """A name where Textual has a symbol that few fonts and no ASCII terminal can show."""
        shown = "enter" if binding.key == "enter" else super().get_key_display(binding)
        return arrows_named(shown) if self._ascii_filters else shown

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The filters that every line passes before it is sent."""
        return [*super().get_line_filters(), *self._ascii_filters]

    def _load(self) -> None:
        """Loads the images, fetching them where needed."""
        self.dataset_progress, self.dataset_fault = None, ""
        self._stop_loading = threading.Event()
        self.threads.start(partial(load_images, self.folders, self.post_message, self._stop_loading))

    def _read_settings(self) -> bool:
        """Begins to read the settings file; returns whether it was read in time for the first paint."""
        if self._settings_file is None:
            return True
        file = self._settings_file

        def read() -> None:
            self._saved = read_settings(file)
            self._settings_read.set()

        self.threads.start(read, lane="settings")
        return self._settings_read.wait(_SETTINGS_SECONDS)

    def _import_and_read_keys(self) -> None:
        """Which ids there are is known once all screens are imported."""
        import_all()
        self.call_later(self.prepare_screens)
        keymap, fault = usable_keymap(self._keys_file) if self._keys_file else ({}, "")
        if fault:
            self.post_message(messages.Failed(fault, severity="warning"))
        if keymap:
            self.call_later(self.set_keymap, keymap)

    def _wait_for_settings(self) -> None:
        self._settings_read.wait()
        self.post_message(messages.SettingsRead(self._saved))

    def _apply_settings(self, saved: Settings) -> None:
        self.settings = replace(saved, **self._changes)
        self.ascii_images = self.settings.ascii_images or self._always_ascii
        self.theme = self.settings.theme if self.settings.theme in self.available_themes else DARK

    def _save_settings(self, changes: dict[str, Any]) -> None:
        self._changes |= changes
        self.settings = replace(self.settings, **changes)
        if self._settings_file:
            self.threads.start(partial(self._write_settings, self._settings_file, changes), lane="settings")

    def _write_settings(self, file: Path, changes: dict[str, Any]) -> None:
        """What other apps have saved meanwhile stays. Runs in a thread, in the lane in which they were read."""
        with suppress(OSError):  # a full or read-only home folder is no reason to disturb the user
            self._saved = replace(read_settings(file, self._saved), **changes)
            write_settings(file, self._saved)

    def _leave(self, choice: str | None) -> None:
        """Acts on the quit dialog's answer."""
        if choice == "stop":
            self.stopped_at_exit = self._runs_now()
            self.stop_runs(self.stopped_at_exit)
        if choice in ("leave", "stop"):
            self.exit()

    def _end_by_signal(self, number: int) -> None:
        """Ends the app on a signal or a lost terminal: in-app runs are saved, the screen is restored."""
        self.exit(return_code=128 + number)

    def _end_without_terminal(self) -> None:
        """Ends the app if its terminal is gone without a SIGHUP, as under a shell that ignores it."""
        if is_terminal_lost():
            self._end_by_signal(signal.SIGHUP)
