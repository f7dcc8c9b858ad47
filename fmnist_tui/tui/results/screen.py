"""Screen 4: the models compared."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static, TabbedContent, TabPane, Tabs

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.eligibility import exclusion_reason
from fmnist_tui.analysis.error_report import best_of_last, best_of_others
from fmnist_tui.report import formats
from fmnist_tui.text import counted
from fmnist_tui.training.recipes import RECIPES, recipe_option
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.errors.screen import ErrorsScreen
from fmnist_tui.tui.messages import Written
from fmnist_tui.tui.results.comparison import Compared, accuracy_bars
from fmnist_tui.tui.results.exporting import export_runs, write_copy
from fmnist_tui.tui.results.run_pairs import RunPairsScreen
from fmnist_tui.tui.results.runs_view import RunsView
from fmnist_tui.tui.results.validation_chart import MAX_CURVES, MEASURES, validation_series
from fmnist_tui.tui.run_monitor import RunsState
from fmnist_tui.tui.themes import chart_colours
from fmnist_tui.tui.threads import for_each
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.drawing import Axes
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.plain_table import PlainTable

_FOCUS = {"summary": "#comparison", "bars": "#bars VerticalScroll", "curves": "#comparison", "runs": "#all_runs"}
_VIEWS = tuple(_FOCUS)
_MARGIN = 4
"""Cells that a view needs for its scroll bar and padding."""
_COMPARING_SECONDS = 0.08
"""Seconds after which a pressed key should have a visible effect."""


class ResultsScreen(LabScreen):
    """The table of versions; below it, one at a time: summary, bars, curves, and all runs."""

    CSS_PATH = "results.tcss"
    BINDINGS = [
        Binding("v", "next_view", "View", tooltip="Summary, bars, curves, runs"),
        Binding("c", "other_recipe", "Recipe", tooltip="Compare under the other recipe"),
        Binding("f", "all_runs", "All", tooltip="Compare ineligible runs, too"),
        Binding(
            "w", "errors", "Errors", tooltip="Errors of the run under the cursor, or of the last version's best run"
        ),
        Binding("e", "export", "Export", tooltip="Write statistics, curves and plots of the compared runs to a folder"),
        Binding("y", "copy", "Copy", tooltip="Copy the comparison as Markdown, and write it to a file"),
    ]
    AUTO_FOCUS = "#comparison"

    def __init__(self) -> None:
        super().__init__()
        self._recipe = RECIPES[0]
        self._all_runs = False
        self._left_out: set[str] = set()
        self._drawn: list[str] | None = None
        self._now: Compared | None = None
        self._wanted = ""
        self._compared: RunsState | None = None

    def compose(self) -> ComposeResult:
        """The table, and a tab for each view below."""
        yield Nav("results")
        yield Static("Comparing the runs ...", id="title")
        yield PlainTable(id="comparison")
        with TabbedContent(initial="summary"):
            with TabPane("Summary", id="summary"), VerticalScroll(can_focus=True):
                yield Static(id="summary_text")
            with TabPane("Bars", id="bars"), VerticalScroll(can_focus=True):
                yield Static(id="accuracy_bars")
            with TabPane("Curves", id="curves"), Horizontal():
                for measure, title in MEASURES.items():
                    yield Chart(title, id=measure)
            with TabPane("Runs", id="runs"):
                yield RunsView()
        yield KeyLine()

    def on_mount(self) -> None:
        """`v` switches views, so the tabs never take the focus."""
        self.query_one(Tabs).can_focus = False
        self.watch_app("runs_state", self._take_seen)

    def on_screen_resume(self) -> None:
        """Runs and labels may have changed while the screen wasn't shown."""
        self.app.monitor.look(thorough=True)
        self._take_seen(self.app.runs_state)

    def on_resize(self) -> None:
        """Fits bars and tables to the new width."""
        self._show_texts()

    def action_next_view(self) -> None:
        """Summary, bars, curves, runs, and summary again."""
        views = self.query_one(TabbedContent)
        self._wanted = _VIEWS[(_VIEWS.index(self._wanted or views.active) + 1) % len(_VIEWS)]
        views.active = self._wanted

    def action_other_recipe(self) -> None:
        """Switches between the recipes tuned and origin."""
        self._recipe = RECIPES[1 - RECIPES.index(self._recipe)]
        self._drawn = None
        self._compare()

    def action_all_runs(self) -> None:
        """Compares all scored runs, or eligible ones only."""
        self._all_runs = not self._all_runs
        self._drawn = None
        self._compare()

    def action_errors(self) -> None:
        """The errors of the run under the cursor in the list of runs, else of the best run of the last version."""
        now, at_runs = self._now, self.query_one(TabbedContent).active == "runs"
        record = self.query_one(RunsView).current if at_runs else now and best_of_last(now.comparison, now.records)
        if now and record:
            self.app.push_screen(ErrorsScreen(record, best_of_others(record, now.comparison, now.records)))
        else:
            self.notify("No run is compared yet: press 2 and train, or v for the list of all runs")

    def action_export(self) -> None:
        """Exports the compared runs to a folder in the working directory."""
        if not self._now or not self._now.compared:
            self.notify("Nothing to export yet: no run is compared")
        else:
            self.notify(f"Exporting {counted(len(self._now.compared), 'run')} ...")
            work = partial(export_runs, self._now.compared, self.post_message, self.app.ending)
            self.app.threads.start(work, lane="write", must_finish=True)

    def action_copy(self) -> None:
        """To the terminal's clipboard, over SSH as well (OSC 52) if it allows, and to a file in any case."""
        if self._now and not self._now.compared:
            self.notify("Nothing to copy yet: no run is compared")
        elif self._now:
            markdown = formats.to_markdown(self._now.report)
            self.app.copy_to_clipboard(markdown)
            work = partial(write_copy, markdown, self.post_message)
            self.app.threads.start(work, lane="write", must_finish=True)

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """Another view, by key or by mouse."""
        view = event.pane.id or "summary"
        if self._wanted not in ("", view):  # a late message from a view that fast key presses have left
            self.query_one(TabbedContent).active = self._wanted
            return
        self._wanted = ""
        self.set_class(view != "summary", "-below")
        if self.is_current:
            self.query_one(_FOCUS[view]).focus()

    def on_runs_view_drawing_asked(self, message: RunsView.DrawingAsked) -> None:
        """Shows or hides a curve."""
        if self._drawn is None:
            return
        if message.run in self._drawn:
            self._drawn.remove(message.run)
        elif len(self._drawn) < MAX_CURVES:
            self._drawn.append(message.run)
        else:
            self.notify(f"At most {MAX_CURVES} curves; deselect one first")
        self._compare()

    def on_runs_view_leaving_out_asked(self, message: RunsView.LeavingOutAsked) -> None:
        """Leaves a run out of the comparison, or includes it again."""
        self._left_out ^= {message.run}
        self._compare()

    def on_runs_view_testing_asked(self, message: RunsView.TestingAsked) -> None:
        """Tests this run against those in the curves, pair by pair."""
        others = [run for run in self._drawn or () if run != message.run]
        if others and self._now:
            chosen = [one for one in self._now.records if one.run_id in {message.run, *others}]
            self.app.push_screen(RunPairsScreen(chosen[::-1]))
        else:
            self.notify("A run is tested against those in the curves: select another one (space)")

    def on_compared(self, message: Compared) -> None:
        """Shows the comparison."""
        self._now = message
        self._drawn = list(message.epochs)
        comparison, report = message.comparison, message.report
        header, rows = formats.table_cells(report.table) if report.table else ([], [])
        self.query_one("#comparison", PlainTable).show(header, rows)
        self.set_class(not comparison.versions, "-nothing")
        title = report.title if comparison.versions else f"{report.title}. {_advice(comparison)}"
        self.query_one("#title", Static).update(Text(title))
        self._show_texts()
        self._show_curves()
        self.query_one(RunsView).show(message.records, comparison, message.left_out, self._drawn)

    def on_written(self, message: Written) -> None:
        """Says where the files are."""
        self.notify(message.text, markup=False, timeout=10)

    def _show_texts(self) -> None:
        if self._now:
            report, width = self._now.report, self.size.width
            self.query_one("#summary_text", Static).update(formats.to_text(report.below_table, width - _MARGIN))
            self.query_one("#accuracy_bars", Static).update(accuracy_bars(report, width))

    def _show_curves(self) -> None:
        if not self._now:
            return
        for measure in MEASURES:
            chart = self.query_one(f"#{measure}", Chart)
            chart.axis_label = "epoch"
            chart.axes = Axes(percent=measure == "accuracy", **chart_colours(self.app.current_theme))
            chart.empty_text = "No curve is selected: press v for the runs, then space"
            chart.series = validation_series(self._now.epochs, measure, self.app.current_theme)

    def _take_seen(self, seen: RunsState) -> None:
        """Compares the known runs if they have changed and the screen is shown."""
        if not self.is_current or (self._compared and not seen.differs_from(self._compared)):
            return
        if seen.complete and (seen.runs or not seen.fault):
            self._compare()
        else:
            self._compared = seen
            self.query_one("#title", Static).update(Text(seen.loading or seen.fault))

    def _compare(self) -> None:
        self._compared = seen = self.app.runs_state
        if not seen.complete:
            return
        self.set_timer(_COMPARING_SECONDS, partial(self._show_comparing, self._now))
        work = partial(self._compare_in_thread, seen, self._recipe, frozenset(self._left_out), self._drawn)
        self.app.threads.start(partial(work, all_runs=self._all_runs), lane="compare", only_newest=True)

    def _show_comparing(self, before: Compared | None) -> None:
        if self._now is before:
            self.query_one("#title", Static).update("Comparing the runs ...")

    def _compare_in_thread(
        self, seen: RunsState, recipe: str, left_out: frozenset[str], drawn: list[str] | None, *, all_runs: bool
    ) -> None:
        records = seen.records
        chosen = [one for one in records if one.run_id not in left_out]
        scored = [one for one in chosen if one.scores and (all_runs or exclusion_reason(one, recipe) is None)]
        for_each(scored, lambda record: record.epochs, self.app.ending.is_set)  # cached for the comparison
        comparison = compare(chosen, recipe, all_runs=all_runs)
        if drawn is None:
            drawn = [one.best_run for one in comparison.versions]
        by_version = sorted(records, key=lambda one: one.run_id)
        epochs = {one.run_id: one.epochs for one in by_version if one.run_id in drawn}
        self.post_message(Compared(comparison, records, left_out, epochs))


def _advice(comparison: Comparison) -> str:
    """What to do if no run is eligible."""
    option = recipe_option(comparison.recipe)
    press = f"Press 2, choose {comparison.recipe}" if option else "Press 2"
    others = "; f includes excluded runs" if comparison.n_comparable and not comparison.all_runs else ""
    return f"{press} and train all built-in models, or: fmnist-tui train all{option}{others}"
