"""The runs of the folder as lines below the charts: what each is doing, and which are in the charts."""

from __future__ import annotations

from collections.abc import Collection

from rich.text import Text
from textual.theme import Theme
from textual.widgets.option_list import Option

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.text import percent
from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.runs_state import RunsState, RunState
from fmnist_tui.tui.themes import model_colour, status_colour, status_mark
from fmnist_tui.tui.widgets.choices import Choices

MOST = 200
"""Runs listed; `o` lists all."""
_STATUS, _LONGEST = 22, 25
"""Cells of a status; what is longer than the second one isn't aligned with."""


class RunStrip(Choices):
    """Running and queued runs first, then the newest others. Enter shows a run."""

    def __init__(self) -> None:
        super().__init__(id="strip", classes="panel")
        self.border_title = "Runs"
        self.border_subtitle = "enter shows · v overlays"
        self._listed: dict[RunDirectory, Text] = {}
        self._shown: RunDirectory | None = None
        self._inputs: tuple[object, ...] = ()

    @property
    def current(self) -> RunDirectory | None:
        """The run under the cursor."""
        runs = list(self._listed)
        return runs[self.highlighted] if self.highlighted is not None and self.highlighted < len(runs) else None

    def run_of(self, option_id: str | None) -> RunDirectory | None:
        """The run of an option."""
        return next((run for run in self._listed if run.run_id == option_id), None)

    def show(self, state: RunsState, shown: RunDirectory | None, overlaid: Collection[RunDirectory]) -> None:
        """Lists the runs; what hasn't changed isn't drawn again, and costs nothing where nothing has."""
        theme = self.app.current_theme
        inputs = (state, shown, tuple(overlaid), theme)
        if inputs == self._inputs:
            return
        self._inputs = inputs
        runs = sorted(state.runs, key=lambda one: one.status.order)[:MOST]
        width = max([_STATUS, *(len(one.text) for one in runs if len(one.text) <= _LONGEST)])
        lines = {
            one.run: line_of(one, theme, width, shown=one.run == shown, overlaid=one.run in overlaid) for one in runs
        }
        if [*lines] == [*self._listed]:
            for run, line in lines.items():
                if line != self._listed[run]:
                    self.replace_option_prompt(run.run_id, line)
        else:
            current = self.current or shown
            self.clear_options()
            self.add_options(Option(line, id=run.run_id) for run, line in lines.items())
            ids = [*lines]
            self.highlighted = ids.index(current) if current in lines else 0 if ids else None
        self._listed = lines
        if shown != self._shown:  # another run is in the charts: the cursor goes there
            self._shown = shown
            if shown in lines:
                self.highlighted = [*lines].index(shown)
                self.call_after_refresh(self.scroll_to_highlight)


def line_of(
    state: RunState, theme: Theme, width: int = _STATUS, *, shown: bool = False, overlaid: bool = False
) -> Text:
    """A run's line: in the chart or not, model, id, status in `width` cells, accuracy, label."""
    record, status = state.record, state.status
    accuracy = f"test {percent(record.test_accuracy)}" if record.test_accuracy is not None else ""
    recipe = record.marked_recipe if record.marked_recipe != RECIPES[0] else ""
    return Text.assemble(
        ("▶ " if shown else "+ " if overlaid else "  "),
        (f"{record.version:<3}", f"bold {model_colour(record.version, theme)}"),
        f" {record.run_id.removeprefix(record.version + '-')}  ",
        (f"{status_mark(status)} {state.text:<{width}}", status_colour(status, theme) or "dim"),
        f"  {accuracy:<12}",
        (f"  {'  '.join(filter(None, [recipe, record.label]))}", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )
