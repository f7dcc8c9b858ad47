"""Screen 3: a run's curves and progress."""

from __future__ import annotations

from dataclasses import replace

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Command
from fmnist_tui.tui.backprop.choosing import first_step, is_dense
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.choice import StopDialog
from fmnist_tui.tui.dialogs.resources import ResourcesDialog
from fmnist_tui.tui.messages import CommandRequested, OverlayToggled, ResumeRequested, RunSelected, ShowQueue
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.training.chart_clock import ChartClock
from fmnist_tui.tui.training.charts import Charts
from fmnist_tui.tui.training.choose_run import ChooseOverlayDialog, ChooseRunDialog
from fmnist_tui.tui.training.curves import ChartViewport, last_step, reading
from fmnist_tui.tui.training.layers import MEASURES
from fmnist_tui.tui.training.log import LogDialog
from fmnist_tui.tui.training.progress import DISK_FULL, alert_text, reading_text
from fmnist_tui.tui.training.run_panel import RunPanel
from fmnist_tui.tui.training.run_strip import RunStrip
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.fitted import FittedText
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

_LOOK_SECONDS = 1.0
_CHARTS_AFTER = 0.1
"""Seconds."""
_WIDE = 112
"""Cells from which on there is room for two charts."""
_EMPTY = "No run yet.\n\nPress 2, choose a model, and t trains it.\nIn a shell: fmnist-tui train v0"


class TrainingScreen(LabScreen):
    """Numbers above, charts below them, and a strip of runs.

    Numbers and charts always show the same moment. They are painted at most once a second, and less often where that
    would cost the training more than a small part of the machine.
    """

    CSS_PATH = "training.tcss"
    BINDINGS = [
        Binding("space", "pause", "Pause", tooltip="Pause the run"),
        Binding("space", "go_on", "Continue", tooltip="Continue the run"),
        Binding("s", "stop", "Stop", tooltip="Stop the run after this epoch, or now"),
        Binding("d", "layers", "Layers", tooltip="Layers by epochs: gradient norm, update ratio, dead units"),
        Binding("v", "overlay", "Overlay", tooltip="Overlay the curves of the run under the cursor, or remove them"),
        Binding("o", "choose", "Runs", tooltip="Choose the run to show"),
        Binding("u", "queue", "Queue", tooltip="Runs with a device or waiting for one, in order"),
        Binding("l", "log", "Log", tooltip="Trainer events and output"),
        Binding("m", "resources", "Machine", tooltip="CPU, GPU and memory over time"),
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
        Binding("x", "axis", "Axis", tooltip="x axis: epochs, steps or minutes"),
        Binding("b", "backprop", "Step by step", tooltip="Backpropagation, step by step, with the weights of this v0"),
        Binding("g", "log_axis", "Log axis", tooltip="Logarithmic loss axis", show=False),
    ]

    AUTO_FOCUS = "#strip"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (80, "-normal"), (_WIDE, "-wide"), (160, "-huge")]

    def __init__(self) -> None:
        super().__init__()
        self._follower: Follower | None = None
        self._viewports: dict[str, ChartViewport] = {}
        self._painted: tuple[object, ...] = ()
        self._is_empty = True
        self._is_named = False
        self._bindings_for: tuple[object, ...] = ()
        self._clock = ChartClock(self.app.pace)
        self._measure = -1
        """The position in MEASURES of what the panel of layers shows; -1 while it is hidden."""

    def compose(self) -> ComposeResult:
        """The run's name and numbers, charts, values at the cursor, alerts, runs."""
        yield Nav("training")
        yield RunPanel(self._no_run_text)
        yield Charts()
        yield FittedText(id="reading")
        yield FittedText(id="alerts")
        yield RunStrip()
        yield KeyLine()

    async def recompose(self) -> None:
        """As Textual does it; meanwhile another run may have been painted in the widgets that are gone now."""
        await super().recompose()
        self._list_runs()
        self._paint_now()

    def on_mount(self) -> None:
        """Shows the run that the app follows, on a slow clock."""
        self.watch_app("followed", self._take_follower)
        self.watch_app("runs_state", self._take_runs_state)
        self.watch_app("overlaid", self._draw_again)
        self.watch_app("theme", self._draw_again)
        self.set_interval(_LOOK_SECONDS * self.app.pace, self._paint)

    def on_screen_resume(self) -> None:
        """Shows the screen at once as it was, and what is new a moment later."""
        self.set_timer(_CHARTS_AFTER, self._paint_now)

    def on_resize(self) -> None:
        """Fits texts and keys to the new width."""
        self.refresh_bindings()
        self._paint_now()

    def on_option_list_option_selected(self, event: RunStrip.OptionSelected) -> None:
        """Shows the run."""
        if run := self.query_one(RunStrip).run_of(event.option_id):
            self.post_message(RunSelected(run))

    def on_charts_changed(self) -> None:
        """Draws what was read."""
        self._paint_now()

    def on_chart_zoomed(self, message: Chart.Zoomed) -> None:
        """Zooms both charts around the mouse."""
        self._set_viewport(self._viewport.zoomed(message.direction, self._last, self._newest, message.at))

    def on_chart_dragged(self, message: Chart.Dragged) -> None:
        """Moves both charts with the mouse."""
        self._set_viewport(self._viewport.panned(-message.by, self._last))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Lets the same key pause a run and continue one that is paused."""
        paused = bool(self._follower and self._follower.snapshot.paused)
        return {"pause": not paused, "go_on": paused, "backprop": self._is_dense}.get(action, True)

    def offers(self, action: str) -> bool:
        """Whether an action belongs in the key line: it does something to this run, on this screen."""
        status = self._follower.status if self._follower else None
        if action in ("pause", "go_on", "stop"):
            return status is not None and status.has_trainer
        if action == "resume":
            return status in (Status.STOPPED, Status.INTERRUPTED, Status.FAILED)
        if action == "other_chart":
            return self._follower is not None and self.size.width < _WIDE
        if action == "resources":
            return self._follower is not None and bool(self._follower.snapshot.resources)
        if action == "layers":
            return self._follower is not None and (bool(self._follower.snapshot.dynamics) or self._measure >= 0)
        return self._follower is not None or action in ("choose", "queue", "help", "leave")

    def key_label(self, action: str) -> str | None:
        """The label of a key that does something else each time: what it shows next."""
        if action != "layers" or self._measure < 0:
            return None
        following = self._measure + 1
        return MEASURES[following].title if following < len(MEASURES) else "Charts"

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

    def action_queue(self) -> None:
        """Shows the queue."""
        self.post_message(ShowQueue())

    def action_log(self) -> None:
        """Shows the trainer's events and output."""
        if self._follower:
            self.app.push_screen(LogDialog(self._follower.run))

    def action_resources(self) -> None:
        """Shows what the trainers used of their machines."""
        if self._follower:
            self.app.push_screen(ResourcesDialog(self._follower.run.run_id, self._follower.snapshot.resources))

    def action_backprop(self) -> None:
        """Opens the page on backpropagation with this run's weights."""
        known = self.app.runs_state.by_run.get(self._follower.run) if self._follower else None
        request = first_step([known.record] if known else [], self.app.dataset)
        if isinstance(request, str):
            self.notify(request, severity="warning", markup=False)
        else:
            self.post_message(request)

    def action_log_axis(self) -> None:
        """Switches the loss axis between linear and logarithmic."""
        self._set_viewport(replace(self._viewport, log=not self._viewport.log))

    def action_other_chart(self) -> None:
        """Shows the other chart, where there is room for one; instead of the layers the last one."""
        if self._measure < 0:
            self.toggle_class("show-accuracy")
        self._show_measure(-1)

    def action_layers(self) -> None:
        """Shows how the layers learn: the next measure, or after the last one the charts alone."""
        following = self._measure + 1
        self._show_measure(following if following < len(MEASURES) else -1)

    def _show_measure(self, index: int) -> None:
        self._measure = index
        self.set_class(index >= 0, "show-layers")
        self.refresh_bindings()
        self._paint_now()

    def action_smoothing(self) -> None:
        """Changes the smoothing."""
        self._set_viewport(self._viewport.next_smoothing())

    def action_axis(self) -> None:
        """Changes the x axis."""
        self._set_viewport(self._viewport.next_axis())

    def action_zoom(self, direction: int) -> None:
        """Zooms in (1) or out (-1)."""
        self._set_viewport(self._viewport.zoomed(direction, self._last, self._newest))

    def action_whole(self) -> None:
        """Shows the whole curve."""
        self._set_viewport(self._viewport.whole())

    def action_cursor(self) -> None:
        """Shows or hides the cursor."""
        self._set_viewport(self._viewport.with_cursor(self._last, self._newest))

    def action_sideways(self, columns: int) -> None:
        """Moves the cursor; pans where there is none."""
        if self._viewport.cursor is not None:
            width = max(chart.size.width for chart in self.query(Chart))  # one of them may be hidden
            self._set_viewport(self._viewport.moved(columns, width, self._last))
        else:
            self._set_viewport(self._viewport.stepped(1 if columns > 0 else -1, self._last))

    def action_overlay(self) -> None:
        """Overlays the curves of the run under the cursor, or removes them; asks which where that is the run shown."""
        run = self.query_one(RunStrip).current
        if self._follower is None:
            return
        if run is None or run == self._follower.run:
            self.app.push_screen(ChooseOverlayDialog(self._follower.run), self._overlay)
        else:
            self._overlay(run)

    @property
    def _no_run_text(self) -> Text:
        """The headline while no run is shown: whether there is none is known only once the folder was read."""
        state = self.app.runs_state
        return Text(state.loading or state.fault or _EMPTY)

    @property
    def _is_dense(self) -> bool:
        """Whether the weights of a dense network in NumPy are there."""
        known = self.app.runs_state.by_run.get(self._follower.run) if self._follower else None
        return known is not None and is_dense(known.record)

    @property
    def _viewport(self) -> ChartViewport:
        return self._viewports.get(self._follower.run.run_id, ChartViewport()) if self._follower else ChartViewport()

    @property
    def _newest(self) -> float:
        return float(self._follower.snapshot.step) if self._follower else 0.0

    @property
    def _last(self) -> float:
        return last_step(self._follower.snapshot) if self._follower else 1.0

    def _set_viewport(self, viewport: ChartViewport) -> None:
        """Changes what the charts show, at once."""
        if self._follower:
            self._viewports[self._follower.run.run_id] = viewport
            self._paint_now()

    def _take_follower(self, follower: Follower | None) -> None:
        if follower is None and self._follower:  # its run was deleted, and there is no other
            self.refresh(recompose=True)
        self._follower = follower
        self.set_class(follower is None, "-empty")
        self._paint_now()

    def _take_runs_state(self, state: RunsState) -> None:
        if self._follower is None:
            self.query_one("#headline", FittedText).show(self._no_run_text)
        elif self._follower.snapshot.finished or (not self._is_named and self._follower.run in state.by_run):
            self._paint_now()  # its score, or its recipe and seed, are known now
        self._list_runs()

    def _draw_again(self, _: object) -> None:
        """Draws everything again: with other curves, or in other colours."""
        self._list_runs()
        self._paint_now()

    def _list_runs(self) -> None:
        if self.is_current:
            shown = self._follower.run if self._follower else None
            overlaid = [one.run for one in self.app.overlaid]
            self.query_one(RunStrip).show(self.app.runs_state, shown, overlaid)

    def _choose(self, run: RunDirectory | None) -> None:
        if run is not None:
            self.post_message(RunSelected(run))

    def _overlay(self, run: RunDirectory | None) -> None:
        if run is not None:
            self.post_message(OverlayToggled(run))

    def _stop(self, command: str | None) -> None:
        if command is not None:
            self._send(Command(command))

    def _send(self, command: Command) -> None:
        if self._follower:
            self.post_message(CommandRequested(self._follower.run, command))

    def _paint_now(self) -> None:
        self._clock.make_due()
        self._painted = ()
        self._paint()

    def _paint(self) -> None:
        """Paints what has changed, if it is time."""
        if self._follower is None or not self.is_current:
            return
        follower, snapshot = self._follower, self._follower.snapshot
        overlays = [one.snapshot for one in self.app.overlaid if one.run != follower.run]
        seen = follower.status, follower.usage, follower.waiting, follower.no_room
        now = (snapshot, *seen, self.size.width, *overlays)
        if now == self._painted:
            return
        logged = bool(snapshot.dynamics), bool(snapshot.resources)
        bindings_for = follower.status, snapshot.paused, *logged, self._is_dense
        if self._bindings_for != bindings_for:
            self._bindings_for = bindings_for
            self._clock.make_due()
            self.refresh_bindings()
        if snapshot.finished or not len(snapshot.curve) or self._is_empty or self._clock.is_due:
            self._painted, self._is_empty = now, not len(snapshot.curve)
            self._clock.note_painted()
            known, read = self.app.runs_state.by_run.get(follower.run), reading(snapshot, self._viewport)
            self._is_named = known is not None
            self.query_one(RunPanel).show(follower, known)
            self._paint_alerts(follower, snapshot)
            self.query_one(Charts).show(follower, self._viewport, read, overlays, self._measure)
            self.query_one("#reading", FittedText).show(Text(reading_text(read)))
            self._list_runs()

    def _paint_alerts(self, follower: Follower, snapshot: Snapshot) -> None:
        alert = DISK_FULL if follower.no_room else alert_text([alert.message for alert in snapshot.alerts])
        self.query_one("#alerts", FittedText).show(Text(f"! {alert}" if alert else "", style="bold"))
