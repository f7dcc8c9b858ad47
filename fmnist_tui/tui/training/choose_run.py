"""A list of runs, live ones first, to choose one from."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.text import percent
from fmnist_tui.tui.base_screens import DIALOG_CSS, Dialog
from fmnist_tui.tui.run_monitor import SeenRun, SeenRuns


class ChooseRunScreen(Dialog[RunDirectory | None]):
    """Dismisses with the run, or None. The list follows what the app sees of the runs."""

    CSS_PATH = [DIALOG_CSS, "choose_run.tcss"]
    HEADING = "Runs, live ones first"
    NONE = "no runs yet: press 2 and train a version"

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[RunDirectory, str] = {}

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static(self.HEADING, classes="muted")
            yield OptionList(Option("reading the runs ...", disabled=True))

    def on_mount(self) -> None:
        """Lists what is known; labels may have changed."""
        self.watch_app("seen", self._show)
        self.app.monitor.look(thorough=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The answer."""
        self.dismiss(next((run for run in self._lines if run.run_id == event.option_id), None))

    def is_offered(self, seen: SeenRun) -> bool:  # noqa: ARG002
        """Whether the run is in the list."""
        return True

    def _show(self, seen: SeenRuns) -> None:
        runs = sorted(filter(self.is_offered, seen.runs), key=lambda one: not one.status.has_trainer)
        lines = {one.run: _line(one) for one in runs}
        options = self.query_one(OptionList)
        last = next((words for words in (seen.loading, seen.fault, "" if lines else self.NONE) if words), "")
        if lines and not last and [*lines] == [*self._lines] and options.option_count == len(lines):
            for run, line in lines.items():
                options.replace_option_prompt(run.run_id, _one_line(line))
        else:
            self._fill(options, lines, last)
        self._lines = lines

    def _fill(self, options: OptionList, lines: dict[RunDirectory, str], last: str) -> None:
        """The run that was highlighted stays so, wherever it is now."""
        before = options.highlighted_option.id if options.highlighted_option else None
        options.clear_options()
        options.add_options(Option(_one_line(line), id=run.run_id) for run, line in lines.items())
        if last:
            options.add_option(Option(Text(last), disabled=True))
        ids = [run.run_id for run in lines]
        if ids:
            options.highlighted = ids.index(before) if before in ids else 0


class ChooseGhostScreen(ChooseRunScreen):
    """The same, of the runs whose curve can be drawn behind another run's."""

    HEADING = "Whose curve behind this one?"
    NONE = "no other run has a curve yet"

    def __init__(self, behind: RunDirectory) -> None:
        super().__init__()
        self._behind = behind

    def is_offered(self, seen: SeenRun) -> bool:
        """Not the run itself, and none without a step."""
        return seen.run != self._behind and seen.has_steps


def _one_line(line: str) -> Text:
    return Text(line, no_wrap=True, overflow="ellipsis")


def _line(seen: SeenRun) -> str:
    scores = seen.record.scores
    accuracy = percent(scores.accuracy if scores else None)
    return f"{seen.run.run_id}  {accuracy:>7}  {seen.text:<16}  {seen.record.label}"
