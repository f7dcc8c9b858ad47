"""Why the CNN wins: the origin's claims, each with its number and how it was got, over the results."""

from __future__ import annotations

import threading
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.claims.measuring import Measured, Told, claims_text, measure, tally, tell
from fmnist_tui.tui.run_monitor import RunsState
from fmnist_tui.tui.widgets.bars import ProgressLine
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

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
        self._records: list[RunRecord] | None = None

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("results")
        yield Static(TITLE, id="title")
        yield ProgressLine("so far", id="progress")
        with VerticalScroll():
            yield Static("Reading what was measured ...", id="claims")
        yield KeyLine()

    def on_mount(self) -> None:
        """Shows what is kept, once all runs were read."""
        self.watch_app("runs_state", self._take_seen)

    def on_unmount(self) -> None:
        """Measures no further, whatever took the screen away."""
        self._stop.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """One measuring at a time, of known runs."""
        return action != "measure" or not (self._measuring or self._records is None)

    def action_measure(self) -> None:
        """Computes what is missing, in a thread."""
        if self._records is None:
            return
        self._stop = threading.Event()
        self._set_measuring(now=True)
        self.app.threads.start(
            partial(measure, self.app.folders, self._records, self.post_message, self._stop), must_finish=True
        )

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

    def _take_seen(self, seen: RunsState) -> None:
        if self._records is None and seen.complete:
            self._records = seen.records
            self.call_after_refresh(self.app.threads.start, partial(tell, seen.records, self.post_message))
            self.refresh_bindings()
        elif self._records is None:
            self.query_one("#claims", Static).update(seen.loading)
