"""The first view of the results: interval plot, steps with verdicts, curves, newest runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.theme import Theme
from textual.widgets import Static

from fmnist_tui.runs.run import Run
from fmnist_tui.text import percent
from fmnist_tui.tui.results.comparison import Compared, excluded_runs
from fmnist_tui.tui.results.deltas import deltas_text, headline, measures_text
from fmnist_tui.tui.results.interval_plot import IntervalPlot
from fmnist_tui.tui.results.validation_chart import MEASURES, show_curves
from fmnist_tui.tui.themes import model_colour, status_colour, status_mark
from fmnist_tui.tui.widgets.big_number import BigNumber
from fmnist_tui.tui.widgets.chart import Chart

_HUGE = 168
"""Cells from which there is room for a second chart."""
_TALL = 44
"""Rows from which there is room for the other measures."""
_MOST = 40
"""Runs listed, of which those that fit are seen."""
_NO_RUNS = "No runs of your own yet.\n\nPress 2, choose a model, and t trains it: v0 takes about 2 min on two CPUs."


class Overview(VerticalScroll):
    """Panels side by side; on small screens the interval plot and the curves below it."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, can_focus=True)
        self._now: Compared | None = None

    def compose(self) -> ComposeResult:
        """The panels."""
        with Horizontal(id="top"):
            with Vertical(id="intervals", classes="panel"):
                yield IntervalPlot()
            with Vertical(id="steps", classes="panel"):
                yield BigNumber(id="gain")
                yield Static(id="gain_text")
                yield Static(id="deltas")
                yield Static(id="measures")
        with Horizontal(id="bottom"):
            yield Chart("", id="overview_accuracy")
            yield Chart("", id="overview_nll")
            yield Static(id="newest", classes="panel")

    def on_resize(self) -> None:
        """Fits the texts to the new width."""
        self._show()

    def show(self, now: Compared) -> None:
        """Shows a comparison."""
        self._now = now
        self._show()

    def _show(self) -> None:
        now, theme, width = self._now, self.app.current_theme, self.app.size.width
        if now is None:
            return
        is_framed = not (self.screen.has_class("-compact") or self.screen.has_class("-small"))
        self.set_class(width >= _HUGE, "-huge")
        self.set_class(self.app.size.height >= _TALL, "-tall")
        whose = "Reference runs: test accuracy" if now.is_reference else "Test accuracy"
        whose += f" on {now.data.name}" if now.data else ""
        panel = self.query_one("#intervals")
        panel.border_title = Content(f"{whose} · {' and '.join(now.wanted.recipes)} · mean and 95% CI")
        plot = self.query_one(IntervalPlot)
        plot.with_steps, plot.rows = not is_framed, now.rows
        self._show_steps(now, theme)
        for measure in MEASURES:
            show_curves(self.query_one(f"#overview_{measure}", Chart), now, measure)
        newest = self.query_one("#newest", Static)
        newest.border_title = "Newest runs"
        newest.set_class(not now.records, "-none")
        newest.border_subtitle = "r lists all"
        newest.update(newest_text(now.records, excluded_runs(now), theme))

    def _show_steps(self, now: Compared, theme: Theme) -> None:
        shown = next((one for one in now.shown if one.versions), now.shown[0])
        number, name, about = headline(shown)
        panel = self.query_one("#steps")
        panel.border_title = f"{name} · {shown.recipe}" if len(now.shown) > 1 else name
        self.query_one("#gain", BigNumber).update(number)
        self.query_one("#gain_text", Static).update(Text(about, "dim"))
        room = self.query_one("#deltas").content_size.width or 40
        self.query_one("#deltas", Static).update(deltas_text(now.shown, room, theme))
        self.query_one("#measures", Static).update(measures_text(shown, theme))


def newest_text(records: Sequence[Run], excluded: Mapping[str, str], theme: Theme) -> Text:
    """A line for each run: status, model, seed, test accuracy, recipe; excluded ones are muted and say so."""
    if not records:
        return Text(_NO_RUNS, "dim")
    lines = []
    width = 1 + max(len(record.version) for record in records[:_MOST])
    for record in records[:_MOST]:
        colour, status = model_colour(record.version, theme), record.status
        out = record.run_id in excluded
        score = percent(record.test_accuracy) if record.test_accuracy is not None else str(status)
        seed = "" if record.seed is None else f"s{record.seed}"
        line = Text.assemble(
            (status_mark(status), status_colour(status, theme) or "dim"),
            (f" {record.version:<{width}}", "dim" if out else f"bold {colour}"),
            (f"{seed:<3}{score:>8}", "dim" if out else ""),
            (f" {record.marked_recipe}{' (excluded)' if out and record.test_accuracy is not None else ''}", "dim"),
        )
        lines.append(line)
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)
