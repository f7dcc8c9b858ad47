"""Chosen runs tested against each other on the same test images, over the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from fmnist_tui.analysis.run_pairs import RunPairs, compare_runs
from fmnist_tui.errors import RunError
from fmnist_tui.report import run_pairs as run_pairs_tables
from fmnist_tui.report import sentences as wording
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.base_screens import DIALOG_CSS, Dialog
from fmnist_tui.tui.results.comparison import told


class RunPairsScreen(Dialog[None]):
    """Each run with its accuracy, then a McNemar test for each pair; what may be chance is muted."""

    CSS_PATH = [DIALOG_CSS, "../dialogs/log.tcss"]
    BINDINGS = [Binding("enter,space,q,t", "dismiss", "Back")]

    def __init__(self, records: Sequence[Run]) -> None:
        """Takes at least two, the oldest first."""
        super().__init__()
        self._records = records

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static(Text("These runs, pair by pair", style="bold"))
            with VerticalScroll():
                yield Static("reading the predictions ...", id="pairs")

    def on_mount(self) -> None:
        """Reads them in a thread: each has 10 000 images."""
        self.call_after_refresh(self.app.threads.start, self._test_in_thread)

    def _test_in_thread(self) -> None:
        try:
            words = Text("\n").join(_lines(compare_runs(self._records)))
        except RunError as error:
            words = Text(str(error))
        self.call_later(self._show, words)

    def _show(self, words: Text) -> None:
        self.query_one("#pairs", Static).update(words)


def _lines(pairs: RunPairs) -> Iterator[Text]:
    names = pairs.names
    for run in pairs.runs:
        record, interval = run.record, run.interval
        accuracy = f"{run.scores.accuracy * 100:.2f} % ({wording.interval_cell(interval, 2, 100)})"
        called = "" if names[record.run_id] == record.run_id else f"{names[record.run_id]}  "
        yield Text(f"{called}{record.run_id}  {accuracy}")
    yield Text("\nImage by image (p adjusted for all tests by Holm's method):")
    for test, sentence in zip(pairs.paired, run_pairs_tables.sentences(pairs), strict=True):
        yield told(sentence, test.may_be_chance)
