"""Selected runs tested against each other on the same test images, over the results."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from fmnist_tui.analysis.run_pairs import compare_runs
from fmnist_tui.errors import RunError
from fmnist_tui.report.formats import to_text
from fmnist_tui.report.run_pairs import run_pairs_report
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.base_screens import Dialog


class RunPairsScreen(Dialog[None]):
    """Each run with its accuracy, then a McNemar test for each pair; tests that aren't significant are muted."""

    BINDINGS = [Binding("enter,space,q,t", "dismiss", "Back")]

    def __init__(self, records: Sequence[Run]) -> None:
        """Compares at least two runs, the oldest first."""
        super().__init__()
        self._records = records

    def compose(self) -> ComposeResult:
        """A heading, and the tests below."""
        with Vertical(classes="dialog large"):
            yield Static(Text("These runs, pair by pair", style="bold"))
            with VerticalScroll():
                yield Static("Reading the predictions ...", id="pairs")

    def on_mount(self) -> None:
        """Reads the predictions in a thread: each run has 10,000 images."""
        self.call_after_refresh(self.app.threads.start, self._test_in_thread)

    def _test_in_thread(self) -> None:
        try:
            report = run_pairs_report(compare_runs(self._records))
        except RunError as error:
            self.call_later(self._show, Text(str(error)))
        else:
            self.call_later(self._show, to_text(report, self.query_one(VerticalScroll).size.width))

    def _show(self, text: Text) -> None:
        self.query_one("#pairs", Static).update(text)
