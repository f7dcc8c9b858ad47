"""A list of runs, live ones first, to choose one from."""

from __future__ import annotations

import time
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.summary import Summary, has_steps, summarise
from fmnist_tui.text import percent
from fmnist_tui.tui.screens.dialog import Dialog

_SECONDS = 1.0
_COST = 10
"""The list is read again after so many times what reading it took: hundreds of runs must not keep a CPU busy."""


class ChooseRunScreen(Dialog[RunDirectory | None]):
    """Dismisses with the run, or None. The list is read in a thread, again about every second."""

    CSS_PATH = ["dialog.tcss", "choose_run.tcss"]  # type: ignore[assignment]  # Textual takes both
    HEADING = "Runs, live ones first"
    NONE = "no runs yet: press 2 and train a version"

    def __init__(self, runs: Path) -> None:
        super().__init__()
        self._runs = runs
        self._lines: dict[str, str] | None = None
        self._known: dict[RunDirectory, tuple[tuple[int, ...], Summary | None]] = {}

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static(self.HEADING, classes="muted")
            yield OptionList(Option("reading the runs ...", disabled=True))

    def on_mount(self) -> None:
        """Lists the runs."""
        self._read()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The answer."""
        self.dismiss(RunDirectory(self._runs / event.option_id) if event.option_id else None)

    def is_offered(self, run: RunDirectory) -> bool:  # noqa: ARG002
        """Whether the run stands in the list; called in a thread."""
        return True

    def _read(self) -> None:
        self.app.run_worker(self._read_in_thread, thread=True, exit_on_error=False)

    def _read_in_thread(self) -> None:
        begun = time.monotonic()
        try:
            summaries = [*filter(None, map(self._summary, list_runs(self._runs)))]
        except RunError as error:
            self.app.call_later(self._fail, str(error))
            return
        summaries.sort(key=lambda summary: not summary.status.has_trainer)
        pause = max(_SECONDS, _COST * (time.monotonic() - begun))
        self.app.call_later(self._show, {summary.run: _line(summary) for summary in summaries}, pause)

    def _summary(self, run: RunDirectory) -> Summary | None:
        """None where it isn't offered; read again where something may have changed."""
        stamp = () if is_held(run) else _stamp(run)
        if not stamp or self._known.get(run, ((), None))[0] != stamp:
            self._known[run] = (stamp, summarise(run) if self.is_offered(run) else None)
        return self._known[run][1]

    def _fail(self, words: str) -> None:
        self.notify(words, severity="error", markup=False)
        self._show({}, None)

    def _show(self, lines: dict[str, str], pause: float | None) -> None:
        """Shows the runs' lines, by their ids; reads them again after a pause, if there is one."""
        if not self.is_running:
            return
        if lines != self._lines:
            self._fill(lines)
            self._lines = lines
        if pause is not None:
            self.set_timer(pause * self.app.pace, self._read)  # type: ignore[attr-defined]

    def _fill(self, lines: dict[str, str]) -> None:
        """The run that was highlighted stays so, wherever it stands now."""
        options = self.query_one(OptionList)
        if lines and self._lines is not None and [*lines] == [*self._lines]:
            for run, line in lines.items():
                options.replace_option_prompt(run, _one_line(line))
            return
        kept = options.highlighted_option.id if options.highlighted_option else None
        options.clear_options()
        options.add_options(Option(_one_line(line), id=run) for run, line in lines.items())
        if not lines:
            options.add_option(Option(self.NONE, disabled=True))
        options.highlighted = [*lines].index(kept) if kept in lines else 0


class ChooseGhostScreen(ChooseRunScreen):
    """The same, of the runs whose curve can be drawn behind another run's."""

    HEADING = "Whose curve behind this one?"
    NONE = "no other run has a curve yet"

    def __init__(self, runs: Path, behind: RunDirectory) -> None:
        super().__init__(runs)
        self._behind = behind

    def is_offered(self, run: RunDirectory) -> bool:
        """Not the run itself, and none without a step."""
        return run != self._behind and has_steps(run)


def _one_line(line: str) -> Text:
    return Text(line, no_wrap=True, overflow="ellipsis")


def _stamp(run: RunDirectory) -> tuple[int, ...]:
    """When the files were written that a run without a trainer is told by."""
    return tuple(map(_written, (run.events, run.label, run.result)))


def _written(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _line(summary: Summary) -> str:
    accuracy = percent(summary.test_accuracy)
    return f"{summary.run}  {accuracy:>7}  {summary.words:<16}  {summary.label}"
