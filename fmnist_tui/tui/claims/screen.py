"""Why the CNN wins: the original project's claims, each with its verdict, measurements and method."""

from __future__ import annotations

import threading
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from fmnist_tui.runs.run import Run
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.claims.measuring import ClaimsLoaded, MeasureProgress, claims_text, load_claims, measure, tally
from fmnist_tui.tui.run_monitor import RunsState
from fmnist_tui.tui.widgets.bars import ProgressLine
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

TITLE = "Why the CNN wins"


class ClaimsScreen(LabScreen):
    """The claims as far as they are measured; a key measures what needs no training, until the screen is left."""

    CSS_PATH = "claims.tcss"
    BINDINGS = [
        Binding("m", "measure", "Measure", tooltip="Measure what is missing and needs no training"),
        Binding(
            "escape,o",
            "back",
            "Back",
            tooltip="Stop measuring (finished analyses stay saved), or go back",
        ),
    ]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self) -> None:
        super().__init__()
        self._stop = threading.Event()
        self._measuring = False
        self._records: list[Run] | None = None

    def compose(self) -> ComposeResult:
        """The claims below their title, scrollable."""
        yield Nav("results")
        yield Static(TITLE, id="title")
        yield ProgressLine(id="progress")
        with VerticalScroll():
            yield Static("Loading saved analyses ...", id="claims")
        yield KeyLine()

    def on_mount(self) -> None:
        """Shows the claims once all runs are loaded."""
        self.watch_app("runs_state", self._take_seen)

    def on_unmount(self) -> None:
        """Stops measuring, whatever removed the screen."""
        self._stop.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """Measuring is offered once runs are loaded, and not while it is going on."""
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
        """Stops measuring, within a batch of images; otherwise goes back to the results."""
        if self._measuring and not self._stop.is_set():
            self._stop.set()
            self.query_one(ProgressLine).show(0.0, "stopping ...", "")
        else:
            self.dismiss()

    def on_claims_loaded(self, message: ClaimsLoaded) -> None:
        """Shows the claims."""
        self.query_one("#title", Static).update(Text(f"{TITLE}  ({tally(message.sections)})"))
        self.query_one("#claims", Static).update(claims_text(message.sections))

    def on_measure_progress(self, message: MeasureProgress) -> None:
        """Shows the progress."""
        self.query_one(ProgressLine).show(message.fraction, message.step, "")

    def on_measuring_ended(self) -> None:
        """Offers measuring again."""
        self._set_measuring(now=False)

    def _set_measuring(self, *, now: bool) -> None:
        self._measuring = now
        self.query_one(ProgressLine).show(0.0, "starting (escape stops it)", "")
        self.set_class(now, "-computing")
        self.refresh_bindings()

    def _take_seen(self, seen: RunsState) -> None:
        if self._records is None and seen.complete:
            self._records = seen.records
            self.call_after_refresh(self.app.threads.start, partial(load_claims, seen.records, self.post_message))
            self.refresh_bindings()
        elif self._records is None:
            self.query_one("#claims", Static).update(seen.loading)
