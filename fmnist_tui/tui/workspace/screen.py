"""Screen 7: all runs in one table and one chart, filtered and grouped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from fmnist_tui.analysis.run_filter import group_name, grouped_by
from fmnist_tui.analysis.watched_runs import RunLogs, WatchedRun
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted, grouped
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.resources import ResourcesDialog
from fmnist_tui.tui.messages import RunSelected, ShowQueue
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.threads import for_each
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.fitted import FittedText
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.workspace.columns import group_headings, summary
from fmnist_tui.tui.workspace.curves import (
    MEASURES,
    chart_axes,
    drawn_runs,
    group_colours,
    group_series,
    run_series,
)
from fmnist_tui.tui.workspace.diff import ConfigDiffDialog
from fmnist_tui.tui.workspace.filter_line import FilterLine
from fmnist_tui.tui.workspace.run_table import RunTable, Section

_LOOK_SECONDS = 2.0
"""Between two looks at the logs of running runs."""
_PARTIAL_SECONDS = 0.5
"""Between two messages while the logs are read for the first time."""
_REST_SECONDS = 0.12
"""Seconds after which the cursor isn't just passing by."""
_EMPTY = "No run yet: press 2, choose a model, and t trains it"


@dataclass(frozen=True)
class _Order:
    """An order of the runs: its name and its sort key; equals stay newest first."""

    name: str
    key: Callable[[WatchedRun], float | str]


_ORDERS = (
    _Order("running first", lambda one: one.run.status.order),
    _Order("best validation first", lambda one: -one.best.validation_accuracy if one.best else 1.0),
    _Order("best test accuracy first", lambda one: -(one.run.test_accuracy or -1.0)),
    _Order("by model", lambda one: one.run.version),
)


class WorkspaceRead(Message):
    """The runs were read.

    Attributes:
        runs: Newest first.
        unread: How many of them were not read yet.
    """

    def __init__(self, runs: Sequence[WatchedRun], unread: int) -> None:
        super().__init__()
        self.runs = runs
        self.unread = unread


class WorkspaceScreen(LabScreen):
    """A filter line on top, the table of runs, and a chart with the curves of those that are shown.

    Logs are read in a thread, only what was appended to them, and only while the screen is shown.
    """

    CSS_PATH = "workspace.tcss"
    BINDINGS = [
        Binding(
            "slash", "edit('filter')", "Filter", key_display="/", tooltip="Show only some runs: model=v3 lr>=0.001"
        ),
        Binding("g", "edit('group')", "Group", tooltip="Group by fields: the mean of each group with its 95% band"),
        Binding("space", "pin", "Pin", tooltip="Keep the run under the cursor in table and chart, or no longer"),
        Binding("a", "measure", "NLL", tooltip="Validation accuracy, or validation NLL"),
        Binding("d", "diff", "Diff", tooltip="What differs between the pinned runs and the one under the cursor"),
        Binding("m", "resources", "Machine", tooltip="CPU, GPU and memory over time of the run under the cursor"),
        Binding("s", "sort", "Sort", tooltip="Running ones first, best validation, best test accuracy, or by model"),
        Binding("u", "queue", "Queue", tooltip="Runs with a device or waiting for one, in order"),
        Binding("c", "clear", "Clear", tooltip="Show all runs again: no filter, no groups, no pins"),
    ]
    AUTO_FOCUS = "RunTable"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (80, "-normal"), (112, "-wide"), (160, "-huge")]

    def __init__(self) -> None:
        super().__init__()
        self._logs = RunLogs()
        self._all: Sequence[WatchedRun] = ()
        self._state: RunsState | None = None
        self._unread = 0
        self._is_reading = False
        self._pinned: dict[str, None] = {}
        self._order = 0
        self._measure = "accuracy"
        self._groups: dict[tuple[str, ...], list[WatchedRun]] = {}
        self._rest: Timer | None = None

    def compose(self) -> ComposeResult:
        """Filter, table, chart."""
        yield Nav("runs")
        yield FilterLine()
        with Container(id="body"):
            yield RunTable()
            yield Chart(MEASURES[self._measure], id="chart")
        yield FittedText(id="status")
        yield KeyLine()

    def on_mount(self) -> None:
        """Follows the runs on a slow clock."""
        self.watch_app("runs_state", lambda _: self._look())
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show())
        self.set_interval(_LOOK_SECONDS * self.app.pace, self._look)

    def on_screen_resume(self) -> None:
        """Runs and labels may have changed while the screen wasn't shown."""
        self.app.monitor.look(thorough=True)
        self._look()

    def on_workspace_read(self, message: WorkspaceRead) -> None:
        """Shows the runs where something has changed."""
        self._is_reading = message.unread > 0
        if len(self._all) != len(message.runs) or any(a is not b for a, b in zip(self._all, message.runs, strict=True)):
            self._all = message.runs
            self._unread = message.unread
            self._show()
        elif self._unread != message.unread:
            self._unread = message.unread
            self._show_counts()

    def on_filter_line_changed(self) -> None:
        """Shows other runs."""
        self._show()

    def on_filter_line_left(self) -> None:
        """Back to the table."""
        self.query_one(RunTable).focus()

    def on_run_table_highlighted(self) -> None:
        """Singles out another curve, once the cursor rests."""
        if self._rest:
            self._rest.stop()
        self._rest = self.set_timer(_REST_SECONDS, self._draw)

    def on_run_table_selected(self, message: RunTable.Selected) -> None:
        """Shows the run on the Training screen."""
        self.post_message(RunSelected(message.run.run.directory))
        self.app.call_later(self.app.run_action, "go('training')")

    def key_label(self, action: str) -> str | None:
        """The label of the key that switches the measure: what it shows next."""
        return None if action != "measure" or self._measure == "accuracy" else "Accuracy"

    def offers(self, action: str) -> bool:
        """Whether an action belongs in the key line: without runs there is nothing to do."""
        return bool(self._all) or action in ("help", "leave")

    def action_edit(self, field: str) -> None:
        """Leads into a field."""
        self.query_one(f"#{field}", Input).focus()

    def action_pin(self) -> None:
        """Pins the run under the cursor, or no longer."""
        if current := self._current:
            if current.run.run_id in self._pinned:
                del self._pinned[current.run.run_id]
            else:
                self._pinned[current.run.run_id] = None
            self._show()

    def action_measure(self) -> None:
        """Shows the other measure."""
        measures = list(MEASURES)
        self._measure = measures[(measures.index(self._measure) + 1) % len(measures)]
        self.refresh_bindings()
        self._draw()

    def action_sort(self) -> None:
        """Sorts by the next order."""
        self._order = (self._order + 1) % len(_ORDERS)
        self._show()

    def action_clear(self) -> None:
        """Shows everything again."""
        self._pinned.clear()
        for field in self.query(Input):
            field.value = ""
        self._show()

    def action_diff(self) -> None:
        """Shows what differs between the pinned runs and the one under the cursor."""
        ids = dict.fromkeys([*self._pinned, *([self._current.run.run_id] if self._current else [])])
        known = {one.run.run_id: one for one in self._all}
        chosen = [known[run_id] for run_id in ids if run_id in known]
        if len(chosen) > 1:
            self.app.push_screen(ConfigDiffDialog(chosen))
        else:
            self.notify("Pin a run (space), then move to another one")

    def action_queue(self) -> None:
        """Shows the queue."""
        self.post_message(ShowQueue())

    def action_resources(self) -> None:
        """Shows what the run under the cursor used of its machine."""
        if current := self._current:
            self.app.push_screen(ResourcesDialog(current.run.label or current.run.run_id, current.resources))

    @property
    def _current(self) -> WatchedRun | None:
        return self.query_one(RunTable).current

    def _look(self) -> None:
        """Reads in a thread what may have changed, if the screen is shown."""
        state = self.app.runs_state
        if not self.is_current or self._is_reading or (state is self._state and not state.running):
            return
        self._state, self._is_reading = state, True
        self.app.threads.start(partial(self._read, state.records), lane="workspace")

    def _read(self, records: Sequence[Run]) -> None:
        """Reads the logs; runs in a thread. Those read for the first time are shown bit by bit."""
        logs = self._logs
        logs.forget_all_but([record.directory for record in records])
        unread = dict.fromkeys(record.directory for record in records if not logs.has_read(record.directory))
        posted = time.monotonic()
        if unread:
            self.post_message(WorkspaceRead([logs.known(record) for record in records], len(unread)))

        def read(record: Run) -> None:
            nonlocal posted
            logs.read(record)
            unread.pop(record.directory, None)
            if unread and time.monotonic() - posted > _PARTIAL_SECONDS:
                posted = time.monotonic()
                self.post_message(WorkspaceRead([logs.known(one) for one in records], len(unread)))

        for_each(records, read, self.app.ending.is_set)
        self.post_message(WorkspaceRead([logs.known(record) for record in records], 0))

    def _show(self) -> None:
        """Arranges the runs in the table, and draws the chart."""
        line = self.query_one(FilterLine)
        order = _ORDERS[self._order]
        pinned = [one for one in self._all if one.run.run_id in self._pinned]
        matching = [one for one in self._all if line.run_filter.matches(one.values)]
        groups = grouped_by(matching, line.fields, lambda one: one.values)
        self._groups = {group_name(line.fields, key): runs for key, runs in groups.items()}
        others = {
            key: sorted((o for o in runs if o not in pinned), key=order.key) for key, runs in self._groups.items()
        }
        sections = [Section((), tuple(pinned))] if pinned else []
        if line.fields:
            colours = group_colours(self._groups, self.app.current_theme)
            for key, runs in others.items():
                sections.append(Section(group_headings(key, self._groups[key]), tuple(runs), colours[key]))
        else:
            sections += [Section((), tuple(runs)) for runs in others.values()]
        self.query_one(RunTable).show(sections, self._pinned)
        self._show_counts()
        self._draw()
        self.refresh_bindings()

    def _show_counts(self) -> None:
        shown = [one for runs in self._groups.values() for one in runs]
        count, total, text = counted(len(shown), "run"), len(self._all), summary(shown)
        if len(shown) < total:
            text = text.replace(count, f"{grouped(len(shown))} of {counted(total, 'run')}", 1)
        self.query_one(FilterLine).show_counts(f"reading {grouped(self._unread)} ..." if self._unread else text)
        state = self.app.runs_state
        fault = state.fault or ("" if self._all else state.loading or _EMPTY)
        self.query_one("#status", FittedText).show(Text(fault))

    def _draw(self) -> None:
        """Draws the curves."""
        theme, chart, current = self.app.current_theme, self.query_one("#chart", Chart), self._current
        current_id = current.run.run_id if current else ""
        pinned = [one for one in self._all if one.run.run_id in self._pinned]
        shown = list(dict.fromkeys([*pinned, *(one for runs in self._groups.values() for one in runs)]))
        is_grouped = bool(self.query_one(FilterLine).fields)
        if is_grouped:
            singled = drawn_runs([one for one in shown if one.run.run_id in (*self._pinned, current_id)], ())
            colours = group_colours(self._groups, theme)
            series = group_series(self._groups, colours, self._measure, theme)
            series += run_series(singled, self._measure, theme, current_id, self._pinned, alone=False)
        else:
            drawn = drawn_runs(shown, (*self._pinned, current_id))
            series = run_series(drawn, self._measure, theme, current_id, self._pinned)
        with_curve = sum(bool(one.epochs) for one in shown)
        left_out = not is_grouped and len(series) < with_curve
        chart.title = MEASURES[self._measure] + (f", {len(series)} of {grouped(with_curve)} runs" if left_out else "")
        chart.axis_label = "epoch"
        chart.empty_text = "No curve yet" if shown else "No run matches"
        chart.axes = chart_axes(shown, self._measure, theme)
        chart.series = series
