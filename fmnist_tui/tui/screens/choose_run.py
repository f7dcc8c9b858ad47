"""A list of all runs, live ones first, to choose one from."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.summary import Summary, summarise
from fmnist_tui.tui.screens.dialog import Dialog


class ChooseRunScreen(Dialog[RunDirectory | None]):
    """Dismisses with the run, or None."""

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self._runs = runs

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static("Runs, live ones first", classes="muted")
            yield OptionList()

    def on_mount(self) -> None:
        """Lists the runs."""
        chosen = self.query_one(OptionList)
        try:
            summaries = [summarise(run) for run in list_runs(self._runs)]
        except RunError as error:
            summaries = []
            self.notify(str(error), severity="error", markup=False)
        summaries.sort(key=lambda summary: not summary.status.has_trainer)
        chosen.add_options([Option(Text(_line(summary)), id=summary.run) for summary in summaries])
        if not summaries:
            chosen.add_option(Option("no runs yet: press 2 and train a version", disabled=True))
        chosen.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The answer."""
        self.dismiss(RunDirectory(self._runs / event.option_id) if event.option_id else None)


def _line(summary: Summary) -> str:
    accuracy = f"{summary.test_accuracy:.2%}" if summary.test_accuracy is not None else ""
    epochs = f"{summary.epoch}/{summary.epochs or '?'}"
    return f"{summary.run}  {summary.status:<12} {epochs:>6} {accuracy:>7} {summary.label}"
