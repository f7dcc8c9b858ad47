"""Why the CNN wins: the origin's claims, each with its number and how it was got, over the results."""

from __future__ import annotations

import threading
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from fmnist_tui.runs.places import Folders
from fmnist_tui.tui.claims_text import claims_text, tally
from fmnist_tui.tui.measuring import Measured, Told, measure, tell
from fmnist_tui.tui.screens.lab_screen import LabScreen
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.progress_line import ProgressLine

TITLE = "Why the CNN wins"


class ClaimsScreen(LabScreen):
    """What is kept and what is missing; a key measures what needs no training. Who leaves, stops that."""

    CSS_PATH = "claims.tcss"
    BINDINGS = [
        Binding("m", "measure", "Measure", tooltip="Measure what is missing and needs no training"),
        Binding("escape,o", "back", "Back", tooltip="Stop measuring, or go back to the results; what is done is kept"),
    ]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self) -> None:
        super().__init__()
        self._stop = threading.Event()
        self._measuring = False

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("results")
        yield Static(TITLE, id="title")
        yield ProgressLine("so far", id="progress")
        with VerticalScroll():
            yield Static("Reading what was measured ...", id="claims")
        yield KeyLine()

    def on_mount(self) -> None:
        """Shows what is kept."""
        self._in_thread(partial(tell, self._folders.runs, self.post_message))

    def on_unmount(self) -> None:
        """Measures no further, whatever took the screen away."""
        self._stop.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """One measuring at a time."""
        return not (action == "measure" and self._measuring)

    def action_measure(self) -> None:
        """Computes what is missing, in a thread."""
        self._stop = threading.Event()
        self._set_measuring(now=True)
        self._in_thread(partial(measure, self._folders, self.post_message, self._stop))

    def action_back(self) -> None:
        """Stops the measuring, which its thread hears within a batch of images; else back to the results."""
        if self._measuring and not self._stop.is_set():
            self._stop.set()
            self.query_one(ProgressLine).show(0.0, "stopping ...")
        else:
            self.dismiss()

    def on_told(self, message: Told) -> None:
        """Shows what is known."""
        self.query_one("#title", Static).update(Text(f"{TITLE}  ({tally(message.sections)})"))
        self.query_one("#claims", Static).update(claims_text(message.sections))

    def on_measured(self, message: Measured) -> None:
        """Shows how far it is."""
        self.query_one(ProgressLine).show(message.share, message.words)

    def on_measuring_ended(self) -> None:
        """All is done that can be."""
        self._set_measuring(now=False)

    def _set_measuring(self, *, now: bool) -> None:
        self._measuring = now
        self.query_one(ProgressLine).show(0.0, "starting (escape stops it)")
        self.set_class(now, "-computing")
        self.refresh_bindings()

    @property
    def _folders(self) -> Folders:
        folders: Folders = self.app.folders  # type: ignore[attr-defined]
        return folders

    def _in_thread(self, work: partial[None]) -> None:
        """The app owns the threads: it tells of errors that nobody foresaw."""
        self.app.run_worker(work, thread=True, exit_on_error=False)
