"""Screen 4: the models compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.widgets import ContentSwitcher, DataTable, Static

from fmnist_tui.analysis.error_report import best_of_last, best_of_others
from fmnist_tui.report import formats
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.entry import FolderDialog
from fmnist_tui.tui.errors.screen import ErrorsScreen
from fmnist_tui.tui.messages import Written
from fmnist_tui.tui.results.calibration import CalibrationView
from fmnist_tui.tui.results.comparison import CHOICES, MAX_CURVES, Calibrated, Compared, Wanted, calibrate, compare_runs
from fmnist_tui.tui.results.deltas import about_version, headline_text
from fmnist_tui.tui.results.exporting import export_runs, proposed_folder
from fmnist_tui.tui.results.overview import Overview
from fmnist_tui.tui.results.run_pairs import RunPairsScreen
from fmnist_tui.tui.results.runs_view import RunsView
from fmnist_tui.tui.results.validation_chart import MEASURES, show_curves
from fmnist_tui.tui.results.view_line import VIEWS, ViewLine
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.plain_table import PlainTable

_FOCUS = {
    "overview": "#overview",
    "table": "#comparison",
    "summary": "#summary",
    "curves": "#curves",
    "runs": "#all_runs",
    "calibration": "#calibration",
}
_MARGIN = 4
"""Cells that the summary needs for its scroll bar, border and padding."""
_COMPARING_SECONDS = 0.08
"""Seconds after which a pressed key should have a visible effect."""


class ResultsScreen(LabScreen):
    """Opens on an overview; table, summary, curves, runs and calibration have keys of their own, Escape leads back."""

    CSS_PATH = "results.tcss"
    BINDINGS = [
        Binding("v", "next_view", "View", tooltip="Overview, table, summary, curves, runs, calibration"),
        *(Binding(key, f"view({view!r})", title, show=False) for view, (key, _, title) in VIEWS.items()),
        Binding("c", "other_recipe", "Recipe", tooltip="Compare under the recipe tuned, origin, or both side by side"),
        Binding("i", "other_data", "Data", tooltip="Compare the runs on the next data set"),
        Binding("f", "all_runs", "All", tooltip="Compare ineligible runs, too; unlike ones in rows of their own"),
        Binding(
            "w", "errors", "Errors", tooltip="Errors of the run under the cursor, or of the last version's best run"
        ),
        Binding("e", "export", "Export", tooltip="Write tables, statistics, curves and plots to a folder you choose"),
        Binding("y", "copy", "Copy", tooltip="Copy the comparison as Markdown to the terminal's clipboard"),
    ]
    AUTO_FOCUS = "#overview"

    def __init__(self) -> None:
        super().__init__()
        self._wanted = Wanted()
        self._now: Compared | None = None
        self._calibrated: Calibrated | None = None
        self._due: set[str] = set()
        """Views that show an earlier comparison; each is drawn when it is seen."""
        self._compared: RunsState | None = None

    def compose(self) -> ComposeResult:
        """The views, one at a time, below a line with their keys and what is compared."""
        yield Nav("results")
        with Container(id="heading"):
            yield ViewLine()
            yield Static("Comparing the runs ...", id="title")
        with ContentSwitcher(initial="overview"):
            yield Overview(id="overview")
            with Vertical(id="table", classes="panel"):
                yield PlainTable(id="comparison")
                yield Static(id="about_version")
            with VerticalScroll(id="summary", can_focus=True, classes="panel"):
                yield Static(id="summary_text")
            with Horizontal(id="curves"):
                for measure, title in MEASURES.items():
                    yield Chart(title, id=measure)
            yield RunsView(id="runs")
            yield CalibrationView(id="calibration")
        yield KeyLine()

    def on_mount(self) -> None:
        """Follows the runs and the theme."""
        self.query_one("#curves").can_focus = True
        self.watch_app("runs_state", self._take_seen)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show_all())

    def on_screen_resume(self) -> None:
        """Runs and labels may have changed while the screen wasn't shown."""
        self.app.monitor.look(thorough=True)
        self._take_seen(self.app.runs_state)

    def on_resize(self) -> None:
        """Fits the texts to the new width."""
        self._show_title()
        self._due.add("summary")
        self._show_view()

    def action_view(self, view: str) -> None:
        """Shows a view."""
        self.query_one(ContentSwitcher).current = view
        self.query_one(ViewLine).current = view
        self._show_title()
        self._show_view()
        self.query_one(_FOCUS[view]).focus()

    def action_next_view(self) -> None:
        """The next view, and after the last one the overview."""
        views = list(VIEWS)
        self.action_view(views[(views.index(self._view) + 1) % len(views)])

    def action_other_recipe(self) -> None:
        """Switches between the recipes tuned and origin, and both side by side."""
        following = CHOICES[(CHOICES.index(self._wanted.recipes) + 1) % len(CHOICES)]
        self._want(replace(self._wanted, recipes=following, drawn=None))

    def offers(self, action: str) -> bool:
        """Whether an action belongs in the key line: there may be runs on one data set only."""
        return action != "other_data" or (self._now is not None and self._now.next_data is not None)

    def action_other_data(self) -> None:
        """Compares the runs on the next data set."""
        following = self._now.next_data if self._now else None
        if following is None:
            self.notify("There are no runs to compare on other data")
        else:
            self._want(replace(self._wanted, data=following, drawn=None))

    def action_all_runs(self) -> None:
        """Compares all scored runs, or eligible ones only."""
        self._want(replace(self._wanted, all_runs=not self._wanted.all_runs, drawn=None))

    def action_errors(self) -> None:
        """The errors of the run under the cursor in the list of runs, else of the best run of the last version."""
        now = self._now
        at_runs = self._view == "runs"
        record = self.query_one(RunsView).current if at_runs else now and best_of_last(now.own[0], now.records)
        if now and record:
            self.app.push_screen(ErrorsScreen(record, best_of_others(record, now.own[0], now.records)))
        else:
            self.notify("No run of yours is compared yet: press 2 and train, or r for the list of all runs")

    def action_export(self) -> None:
        """Exports the compared runs to a folder that the user chooses."""
        now = self._now
        if not now or not now.compared:
            self.notify("Nothing to export yet: no run is compared")
        else:
            heading = f"Export {counted(len(now.compared), 'run')}: tables, figures, statistics, predictions"
            self.app.push_screen(FolderDialog(heading, proposed_folder()), partial(self._export, now))

    def action_copy(self) -> None:
        """To the terminal's clipboard, over SSH as well (OSC 52), if it allows."""
        if self._now and not self._now.compared:
            self.notify("Nothing to copy yet: no run is compared")
        elif self._now:
            self.app.copy_to_clipboard(formats.to_markdown(self._now.report))
            self.notify("Copied as Markdown, if the terminal allows it; e writes it to a file")

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Describes the version under the table's cursor."""
        if self._now and event.cursor_row < len(self._now.summaries):
            about = about_version(self._now.summaries[event.cursor_row])
            self.query_one("#about_version", Static).update(about)

    def on_view_line_opened(self, message: ViewLine.Opened) -> None:
        """A view was clicked."""
        self.action_view(message.view)

    def on_runs_view_drawing_asked(self, message: RunsView.DrawingAsked) -> None:
        """Shows or hides a curve."""
        drawn = self._drawn
        if message.run in drawn:
            drawn = tuple(run for run in drawn if run != message.run)
        elif len(drawn) < MAX_CURVES:
            drawn = (*drawn, message.run)
        else:
            self.notify(f"At most {MAX_CURVES} curves; deselect one first")
        self._want(replace(self._wanted, drawn=drawn))

    def on_runs_view_leaving_out_asked(self, message: RunsView.LeavingOutAsked) -> None:
        """Leaves a run out of the comparison, or includes it again."""
        self._want(replace(self._wanted, left_out=self._wanted.left_out ^ {message.run}))

    def on_runs_view_testing_asked(self, message: RunsView.TestingAsked) -> None:
        """Tests this run against those in the curves, pair by pair."""
        others = [run for run in self._drawn if run != message.run]
        if others and self._now:
            chosen = [one for one in self._now.records if one.run_id in {message.run, *others}]
            self.app.push_screen(RunPairsScreen(chosen[::-1]))
        else:
            self.notify("A run is tested against those in the curves: select another one (space)")

    def on_compared(self, message: Compared) -> None:
        """Shows the comparison in all views."""
        if message.wanted != self._wanted:  # another one is on its way
            return
        self._now = message
        self._show_all()
        self.refresh_bindings()

    def on_calibrated(self, message: Calibrated) -> None:
        """Shows the diagrams, unless another comparison is shown by now."""
        if message.of is self._now:
            self._calibrated = message
            self._due.add("calibration")
            self._show_view()

    def on_written(self, message: Written) -> None:
        """Says where the files are."""
        self.notify(message.text, markup=False, timeout=10)

    @property
    def _view(self) -> str:
        return self.query_one(ContentSwitcher).current or "overview"

    @property
    def _drawn(self) -> tuple[str, ...]:
        """The runs whose curves are drawn: those the user has chosen, else each version's best, which may change."""
        if self._wanted.drawn is not None:
            return self._wanted.drawn
        return self._now.drawn if self._now else ()

    def _want(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._compare()

    def _show_all(self) -> None:
        self._due.update(VIEWS)
        self._show_title()
        self._show_view()

    def _show_view(self) -> None:
        """Draws the view that is seen, if it shows an earlier comparison."""
        view, now = self._view, self._now
        if now is None or view not in self._due:
            return
        self._due.discard(view)
        if view == "overview":
            self.query_one(Overview).show(now)
        elif view == "table":
            header, rows = formats.table_cells(now.report.table) if now.report.table else ([], [])
            self.query_one("#comparison", PlainTable).show(header, rows)
        elif view == "summary":
            text = formats.to_text(now.report.below_table, self.size.width - _MARGIN)
            self.query_one("#summary_text", Static).update(text)
        elif view == "curves":
            for measure in MEASURES:
                show_curves(self.query_one(f"#{measure}", Chart), now, measure)
        elif view == "runs":
            self.query_one(RunsView).show(now)
        elif self._calibrated:
            self.call_next(self.query_one(CalibrationView).show, self._calibrated)

    def _show_title(self) -> None:
        """What is compared; on small screens, which have no room for the panel, with the gain."""
        if now := self._now:
            is_reference_view = now.is_reference and self._view not in ("overview", "runs")
            title = Text(now.report.title if is_reference_view else now.title, "bold")
            if self.has_class("-small") or self.has_class("-compact"):
                gain = headline_text(now.shown[0], self.app.current_theme)
                title = Text.assemble(gain, "  ", title) if gain and not now.is_reference else title
            self.set_class(not now.is_reference, "-own")
            self.query_one("#title", Static).update(title)

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
        work = partial(self._compare_in_thread, seen.records, self._wanted, self._now, self._calibrated)
        self.app.threads.start(work, lane="compare", only_newest=True)

    def _show_comparing(self, before: Compared | None) -> None:
        if self._now is before:
            self.query_one("#title", Static).update("Comparing the runs ...")

    def _compare_in_thread(
        self, records: Sequence[Run], wanted: Wanted, before: Compared | None, calibrated: Calibrated | None
    ) -> None:
        compared = compare_runs(records, wanted, self.app.ending.is_set, before)
        self.post_message(compared)
        self.post_message(calibrate(compared, calibrated))

    def _export(self, now: Compared, folder: Path | None) -> None:
        if folder is not None:
            self.notify(f"Exporting {counted(len(now.compared), 'run')} ...")
            markdown = formats.to_markdown(now.report)
            work = partial(export_runs, now.compared, markdown, folder, self.post_message, self.app.ending)
            self.app.threads.start(work, lane="write", must_finish=True)
