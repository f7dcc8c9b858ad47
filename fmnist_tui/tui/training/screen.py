"""Screen 3: a run's curves and progress."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import Snapshot, read_snapshot
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Command
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.choice import StopDialog
from fmnist_tui.tui.messages import CommandRequested, ResumeRequested, RunSelected
from fmnist_tui.tui.run_monitor import RunsState
from fmnist_tui.tui.training.chart_clock import ChartClock
from fmnist_tui.tui.training.choose_run import ChooseOverlayDialog, ChooseRunDialog
from fmnist_tui.tui.training.curves import ChartViewport, loss_kind, reading, series
from fmnist_tui.tui.training.log import LogDialog
from fmnist_tui.tui.training.progress import (
    DISK_FULL,
    READING,
    alert_text,
    empty_text,
    headline,
    progress_of,
    reading_text,
    rows_of,
    wrapped,
)
from fmnist_tui.tui.widgets.bars import ProgressLine
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

_NUMBERS_SECONDS = 1.0
_CHARTS_AFTER = 0.1
"""Seconds."""
_AXES = {"step": "step", "epoch": "epoch", "time": "minute"}
_MARGIN = 2
"""Cells beside the text."""
_EMPTY = "No run yet. Press 2, choose a model and train it, or start a run with: fmnist-tui train v0. o lists all runs."


class TrainingScreen(LabScreen):
    """Charts above, numbers and progress below. Numbers are painted at most once a second, charts on a budget."""

    CSS_PATH = "training.tcss"
    BINDINGS = [
        Binding("space", "pause", "Pause", tooltip="Pause the run"),
        Binding("space", "go_on", "Continue", tooltip="Continue the run"),
        Binding("s", "stop", "Stop", tooltip="Stop the run after this epoch, or now"),
        Binding("o", "choose", "Runs", tooltip="Choose the run to show"),
        Binding("l", "log", "Log", tooltip="Trainer events and output"),
        Binding("a", "other_chart", "Accuracy", tooltip="On narrow terminals: the other chart"),
        Binding("r", "resume", "Resume", tooltip="Resume a stopped or interrupted run"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom in", tooltip="Zoom in on the cursor or the newest step"),
        Binding("minus", "zoom(-1)", "Zoom out", tooltip="Zoom out", show=False),
        Binding("0", "whole", "Whole curve", tooltip="Show the whole curve", show=False),
        Binding("c", "cursor", "Cursor", tooltip="Show values at a cursor; left and right move it"),
        Binding("left", "sideways(-1)", "Left", tooltip="Move the cursor or the zoomed charts left", show=False),
        Binding("right", "sideways(1)", "Right", tooltip="Move the cursor or the zoomed charts right", show=False),
        Binding("shift+left", "sideways(-10)", "Far left", tooltip="Move the cursor ten columns left", show=False),
        Binding("shift+right", "sideways(10)", "Far right", tooltip="Move the cursor ten columns right", show=False),
        Binding("w", "smoothing", "Smooth", tooltip="Change the smoothing"),
        Binding("x", "axis", "Axis", tooltip="x axis: steps, epochs or minutes"),
        Binding("v", "overlay", "Overlay", tooltip="Overlay another run's curve, or none"),
        Binding("g", "log_axis", "Log axis", tooltip="Logarithmic loss axis", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._follower: Follower | None = None
        self._viewports: dict[str, ChartViewport] = {}
        self._overlays: dict[str, Snapshot] = {}
        self._painted: tuple[object, ...] = ()
        self._bindings_for: tuple[object, ...] = ()
        self._charted: Snapshot | None = None
        self._clock = ChartClock(self.app.pace)

    def compose(self) -> ComposeResult:
        """Headline, charts, values at the cursor, progress, numbers and alerts."""
        yield Nav("training")
        yield Static(self._no_run_text, id="headline")
        with Horizontal(id="charts"):
            yield Chart("loss", id="loss")
            yield Chart("accuracy", id="accuracy")
        yield Static(id="reading")
        with Vertical(id="progress"):
            yield ProgressLine("epoch", id="epoch")
            yield ProgressLine("total", id="total")
        yield Static(id="numbers")
        yield Static(id="alerts")
        yield KeyLine()

    def on_mount(self) -> None:
        """Shows the run that the app follows, on a slow clock."""
        self.watch_app("followed", self._take_follower)
        self.watch_app("runs_state", self._take_runs_state)
        self.set_interval(_NUMBERS_SECONDS * self.app.pace, self._paint)

    def on_screen_resume(self) -> None:
        """Paints the numbers at once; the charts, as they were until then, a moment later."""
        self._paint()
        self.set_timer(_CHARTS_AFTER, self._paint_now)

    def on_resize(self) -> None:
        """Wraps the text again."""
        self._paint()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Lets the same key pause a run and continue one that is paused."""
        paused = bool(self._follower and self._follower.snapshot.paused)
        return {"pause": not paused, "go_on": paused}.get(action, True)

    def offers(self, action: str) -> bool:
        """Whether an action belongs in the key line: it does something to this run, on this screen."""
        status = self._follower.status if self._follower else None
        if action in ("pause", "go_on", "stop"):
            return status is not None and status.has_trainer
        if action == "resume":
            return status in (Status.STOPPED, Status.INTERRUPTED, Status.FAILED)
        if action == "other_chart":
            return not self.has_class("-wide")
        return self._follower is not None or action in ("choose", "help", "leave")

    def action_pause(self) -> None:
        """Pauses the run."""
        self._send(Command.PAUSE)

    def action_go_on(self) -> None:
        """Continues the run."""
        self._send(Command.CONTINUE)

    def action_stop(self) -> None:
        """Asks how to stop."""
        if self._follower is None or self._follower.status is Status.LOADING:
            return
        status = self._follower.status
        if status.has_trainer:
            self.app.push_screen(StopDialog(self._follower.run.run_id, status), self._stop)
        else:
            text = f"{self._follower.run.run_id} is {status}: there is nothing to stop"
            self.notify(text, severity="warning", markup=False)

    def action_resume(self) -> None:
        """Resumes the run that is shown."""
        if self._follower:
            self.post_message(ResumeRequested(self._follower.run))

    def action_choose(self) -> None:
        """Lists the runs to choose one from."""
        self.app.push_screen(ChooseRunDialog(), self._choose)

    def action_log(self) -> None:
        """Shows the trainer's events and output."""
        if self._follower:
            self.app.push_screen(LogDialog(self._follower.run))

    def action_log_axis(self) -> None:
        """Switches the loss axis between linear and logarithmic."""
        self._set_viewport(replace(self._viewport, log=not self._viewport.log))

    def action_other_chart(self) -> None:
        """Shows the other chart, where there is room for one."""
        self.toggle_class("show-accuracy")
        self._paint_now()

    def action_smoothing(self) -> None:
        """Changes the smoothing."""
        self._set_viewport(self._viewport.next_smoothing())

    def action_axis(self) -> None:
        """Changes the x axis."""
        self._set_viewport(self._viewport.next_axis())

    def action_zoom(self, direction: int) -> None:
        """Zooms in (1) or out (-1)."""
        self._set_viewport(self._viewport.zoomed(direction, self._last_step))

    def action_whole(self) -> None:
        """Shows the whole curve."""
        self._set_viewport(self._viewport.whole())

    def action_cursor(self) -> None:
        """Shows or hides the cursor."""
        self._set_viewport(self._viewport.with_cursor(self._last_step))

    def action_sideways(self, columns: int) -> None:
        """Moves the cursor; pans where there is none."""
        if self._viewport.cursor is not None:
            width = max(chart.size.width for chart in self.query(Chart))  # one of them may be hidden
            self._set_viewport(self._viewport.moved(columns, width, self._last_step))
        else:
            self._set_viewport(self._viewport.panned(1 if columns > 0 else -1, self._last_step))

    def action_overlay(self) -> None:
        """Overlays another run's curve, or removes it."""
        if self._viewport.overlay:
            self._set_viewport(replace(self._viewport, overlay=""))
        elif self._follower:
            run = self._follower.run
            self.app.push_screen(ChooseOverlayDialog(run), partial(self._take_overlay, run.run_id))

    @property
    def _no_run_text(self) -> Text:
        """The headline while no run is shown: whether there is none is known only once the folder was read."""
        state = self.app.runs_state
        return Text(state.loading or state.fault or _EMPTY)

    @property
    def _viewport(self) -> ChartViewport:
        return self._viewports.get(self._follower.run.run_id, ChartViewport()) if self._follower else ChartViewport()

    @property
    def _last_step(self) -> float:
        return float(self._follower.snapshot.step) if self._follower else 0.0

    def _set_viewport(self, viewport: ChartViewport) -> None:
        """Changes what the charts show, at once."""
        if self._follower:
            self._viewports[self._follower.run.run_id] = viewport
            self._paint_now()

    def _take_follower(self, follower: Follower | None) -> None:
        if follower is None and self._follower:  # its run was deleted, and there is no other
            self.refresh(recompose=True)
        self._follower = follower
        self._paint_now()

    def _take_runs_state(self, _: RunsState) -> None:
        if self._follower is None:
            self._show_text("#headline", self._no_run_text)

    def _choose(self, run: RunDirectory | None) -> None:
        if run is not None:
            self.post_message(RunSelected(run))

    def _take_overlay(self, before: str, run: RunDirectory | None) -> None:
        if run is not None:
            self.app.threads.start(partial(self._read_overlay, before, run))

    def _read_overlay(self, before: str, run: RunDirectory) -> None:
        """Runs in a thread: a long log takes a while to read."""
        self.call_later(self._show_overlay, before, read_snapshot(run))

    def _show_overlay(self, before: str, overlay: Snapshot) -> None:
        """Behind the run with the id `before`, whichever is shown by now."""
        self._overlays[overlay.run_id] = overlay
        self._viewports[before] = replace(self._viewports.get(before, ChartViewport()), overlay=overlay.run_id)
        self._paint_now()

    def _stop(self, command: str | None) -> None:
        if command is not None:
            self._send(Command(command))

    def _send(self, command: Command) -> None:
        if self._follower:
            self.post_message(CommandRequested(self._follower.run, command))

    def _paint_now(self) -> None:
        self._clock.make_due()
        self._painted, self._charted = (), None
        self._paint()

    def _paint(self) -> None:
        """Paints what is visible and has changed."""
        if self._follower is None or not self.is_current:
            return
        follower, snapshot = self._follower, self._follower.snapshot
        numbers = (snapshot, follower.status, follower.usage, follower.no_room, self.size.width)
        if numbers != self._painted:
            self._painted = numbers
            if self._bindings_for != (follower.status, snapshot.paused):
                self._bindings_for = follower.status, snapshot.paused
                self.refresh_bindings()
            self._paint_numbers(follower, snapshot)
        was_empty = self._charted is None or not len(self._charted.curve)
        if snapshot is not self._charted and (was_empty or snapshot.finished or self._clock.is_due):
            self._charted = snapshot
            self._clock.note_painted()
            self._paint_charts(snapshot)

    def _paint_numbers(self, follower: Follower, snapshot: Snapshot) -> None:
        width = self.size.width - _MARGIN
        status = follower.status
        progress = progress_of(snapshot, follower.usage if status.has_trainer else None, status)
        self._show_text("#headline", headline(snapshot, status, width))
        self.query_one("#epoch", ProgressLine).show(progress.epoch_fraction, progress.epoch_text)
        self.query_one("#total", ProgressLine).show(progress.total_fraction, progress.total_text)
        self._show_text("#numbers", Text(wrapped(progress.numbers, width)))
        alert = DISK_FULL if follower.no_room else alert_text(progress.alerts)
        self._show_text("#alerts", Text(alert, style="bold")).display = bool(alert)

    def _show_text(self, selector: str, text: Text) -> Static:
        """Updates a text, and the layout only where the number of rows changes: layout costs more than painting."""
        static = self.query_one(selector, Static)
        before = static.content if isinstance(static.content, Text) else Text()
        if text != before:
            width = self.size.width - _MARGIN
            static.update(text, layout=rows_of(before, width) != rows_of(text, width))
        return static

    def _paint_charts(self, snapshot: Snapshot) -> None:
        viewport = self._viewport
        known = self._follower is not None and self._follower.status is not Status.LOADING
        read = reading(snapshot, viewport)
        kind = loss_kind(snapshot.run_id)
        self.query_one("#loss", Chart).title = f"loss ({kind})" if kind else "loss"
        for what in ("loss", "accuracy"):
            chart = self.query_one(f"#{what}", Chart)
            status = self._follower.status if self._follower else None
            chart.empty_text = empty_text(snapshot, status) if known else READING
            chart.axis_label = _AXES[viewport.axis]
            chart.log_axis = viewport.log and what == "loss"
            chart.cursor = read.x if read else None
            chart.series = series(snapshot, what, viewport, self._overlays.get(viewport.overlay))
        self._show_text("#reading", Text(reading_text(read))).display = read is not None
