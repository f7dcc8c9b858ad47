"""Dialogs that choose a run from a list, running ones first."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static
from textual.widgets.option_list import Option

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.tui.base_screens import DIALOG_CSS, Dialog
from fmnist_tui.tui.runs_state import RunsState, RunState
from fmnist_tui.tui.training.run_strip import line_of
from fmnist_tui.tui.widgets.choices import Choices


class ChooseRunDialog(Dialog[RunDirectory | None]):
    """Dismisses with the run, or None. The list is updated while it is open."""

    CSS_PATH = [DIALOG_CSS, "choose_run.tcss"]
    HEADING = "Runs, running ones first"
    NONE = "No runs yet: press 2 and train a model"

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[RunDirectory, Text] = {}

    def compose(self) -> ComposeResult:
        """Heading and list."""
        with Vertical(classes="dialog"):
            yield Static(self.HEADING, classes="muted")
            yield Choices(Option("Reading runs ...", disabled=True))

    def on_mount(self) -> None:
        """Lists the runs as last read, and asks for a thorough look: labels may have changed."""
        self.watch_app("runs_state", self._show)
        self.app.monitor.look(thorough=True)

    def on_option_list_option_selected(self, event: Choices.OptionSelected) -> None:
        """Dismisses with the run."""
        self.dismiss(next((run for run in self._lines if run.run_id == event.option_id), None))

    def is_offered(self, state: RunState) -> bool:  # noqa: ARG002
        """Whether the run is in the list."""
        return True

    def _show(self, state: RunsState) -> None:
        runs = sorted(filter(self.is_offered, state.runs), key=lambda one: one.status.order)
        lines = {one.run: line_of(one, self.app.current_theme) for one in runs}
        options = self.query_one(Choices)
        last = state.loading or state.fault or ("" if lines else self.NONE)
        if lines and not last and [*lines] == [*self._lines] and options.option_count == len(lines):
            for run, line in lines.items():
                options.replace_option_prompt(run.run_id, line)
        else:
            self._fill(options, lines, last)
        self._lines = lines

    def _fill(self, options: Choices, lines: dict[RunDirectory, Text], last: str) -> None:
        """Keeps the same run highlighted, wherever it is now."""
        before = options.highlighted_option.id if options.highlighted_option else None
        options.clear_options()
        options.add_options(Option(line, id=run.run_id) for run, line in lines.items())
        if last:
            options.add_option(Option(Text(last), disabled=True))
        ids = [run.run_id for run in lines]
        if ids:
            options.highlighted = ids.index(before) if before in ids else 0


class ChooseOverlayDialog(ChooseRunDialog):
    """Lists the other runs that have a curve."""

    HEADING = "Overlay which run's curve?"
    NONE = "No other run has a curve yet"

    def __init__(self, shown: RunDirectory) -> None:
        super().__init__()
        self._shown = shown

    def is_offered(self, state: RunState) -> bool:
        """Whether it is another run with at least one step."""
        return state.run != self._shown and state.has_steps
