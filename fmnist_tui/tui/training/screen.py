"""Screen 3: a run as it learns."""

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
from fmnist_tui.training.commands import Command
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.choice import StopScreen
from fmnist_tui.tui.messages import CommandGiven, ResumeRequested, RunChosen
from fmnist_tui.tui.run_monitor import SeenRuns
from fmnist_tui.tui.training.chart_clock import ChartClock
from fmnist_tui.tui.training.choose_run import ChooseGhostScreen, ChooseRunScreen
from fmnist_tui.tui.training.curves import View, loss_kind, reading, series
from fmnist_tui.tui.training.log import LogScreen
from fmnist_tui.tui.training.progress import (
    NO_ROOM,
    READING,
    alert_words,
    empty_words,
    headline,
    packed,
    progress_of,
    reading_words,
    rows_of,
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
"""Cells beside the words."""
_EMPTY = "No run yet. Press 2, choose a version and train it, or start one with: fmnist-tui train v0. o lists all runs."


class TrainingScreen(LabScreen):
    """Charts above, numbers and progress below. Numbers are painted once a second at most, charts by a clock."""

    CSS_PATH = "training.tcss"
    BINDINGS = [
        Binding("space", "pause", "Pause", tooltip="Pause the run"),
        Binding("space", "go_on", "Continue", tooltip="Continue the run"),
        Binding("s", "stop", "Stop", tooltip="Stop the run after its epoch, or now"),
        Binding("o", "choose", "Runs", tooltip="Choose the run to show"),
        Binding("l", "log", "Log", tooltip="What the trainer told and printed"),
        Binding("a", "other_chart", "Accuracy", tooltip="On narrow screens: the other chart"),
        Binding("r", "resume", "Resume", tooltip="Go on with a stopped or interrupted run"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom", tooltip="Closer, about the cursor or the newest step"),
        Binding("minus", "zoom(-1)", "Zoom out", tooltip="Further away", show=False),
        Binding("0", "whole", "Whole curve", tooltip="The whole curve again", show=False),
        Binding("c", "cursor", "Cursor", tooltip="Read values with a cursor; left and right move it"),
        Binding("left", "sideways(-1)", "Left", tooltip="Cursor or zoomed charts to the left", show=False),
        Binding("right", "sideways(1)", "Right", tooltip="Cursor or zoomed charts to the right", show=False),
        Binding("shift+left", "sideways(-10)", "Far left", tooltip="The cursor ten columns left", show=False),
        Binding("shift+right", "sideways(10)", "Far right", tooltip="The cursor ten columns right", show=False),
        Binding("w", "smoothing", "Smooth", tooltip="Smooth the curve less or more"),
        Binding("x", "axis", "Axis", tooltip="Steps, epochs or minutes along the axis"),
        Binding("v", "ghost", "Ghost", tooltip="Another run's curve behind this one, or none"),
        Binding("g", "log_axis", "Log axis", tooltip="Loss on a logarithmic axis", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._follower: Follower | None = None
        self._views: dict[str, View] = {}
        self._ghosts: dict[str, Snapshot] = {}
        self._painted: tuple[object, ...] = ()
        self._offered_for: tuple[object, ...] = ()
        self._charted: Snapshot | None = None
        self._clock = ChartClock(self.app.pace)

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("training")
        yield Static(self._nothing, id="headline")
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
        """Follows whatever run the app follows, on a slow clock."""
        self.watch_app("followed", self._take_follower)
        self.watch_app("seen", self._take_seen)
        self.set_interval(_NUMBERS_SECONDS * self.app.pace, self._tick)

    def on_screen_resume(self) -> None:
        """Back on the screen: numbers at once; the charts as they were, until they follow a moment later."""
        self._tick()
        self.set_timer(_CHARTS_AFTER, self._paint_now)

    def on_resize(self) -> None:
        """Words are broken anew."""
        self._tick()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """The same key pauses a run and continues one that is paused."""
        paused = bool(self._follower and self._follower.snapshot.paused)
        return {"pause": not paused, "go_on": paused}.get(action, True)

    def offers(self, action: str) -> bool:
        """Whether a key is worth its place in the key line: it does something to this run, on this screen."""
        status = self._follower.status if self._follower else None
        if action in ("pause", "go_on", "stop"):
            return status is not None and status.has_trainer
        if action == "resume":
            return status in (Status.STOPPED, Status.INTERRUPTED, Status.FAILED)
        if action == "other_chart":
            return not self.has_class("-wide")
        return self._follower is not None or action in ("choose", "help", "leave")

    def action_pause(self) -> None:
        """Holds the run."""
        self._give(Command.PAUSE)

    def action_go_on(self) -> None:
        """Goes on."""
        self._give(Command.CONTINUE)

    def action_stop(self) -> None:
        """Asks how to stop."""
        if self._follower is None or self._follower.status is Status.LOADING:
            return
        status = self._follower.status
        if status.has_trainer:
            self.app.push_screen(StopScreen(self._follower.run.run_id, status), self._stop)
        else:
            words = f"{self._follower.run.run_id} is {status}: there is nothing to stop"
            self.notify(words, severity="warning", markup=False)

    def action_resume(self) -> None:
        """Goes on with the run that is shown."""
        if self._follower:
            self.post_message(ResumeRequested(self._follower.run))

    def action_choose(self) -> None:
        """A list of runs."""
        self.app.push_screen(ChooseRunScreen(), self._choose)

    def action_log(self) -> None:
        """What the trainer told and printed."""
        if self._follower:
            self.app.push_screen(LogScreen(self._follower.run))

    def action_log_axis(self) -> None:
        """Linear or logarithmic."""
        self._look(replace(self._view, log=not self._view.log))

    def action_other_chart(self) -> None:
        """On narrow screens there is room for one chart."""
        self.toggle_class("show-accuracy")
        self._paint_now()

    def action_smoothing(self) -> None:
        """Less or more."""
        self._look(self._view.next_smoothing())

    def action_axis(self) -> None:
        """Steps, epochs or minutes."""
        self._look(self._view.next_axis())

    def action_zoom(self, direction: int) -> None:
        """Closer, or further away."""
        self._look(self._view.zoomed(direction, self._last_step))

    def action_whole(self) -> None:
        """The whole curve again."""
        self._look(self._view.whole())

    def action_cursor(self) -> None:
        """The cursor comes, or goes."""
        self._look(self._view.with_cursor(self._last_step))

    def action_sideways(self, columns: int) -> None:
        """Moves the cursor, or pans where there is none."""
        if self._view.cursor is not None:
            width = max(chart.size.width for chart in self.query(Chart))  # one of them may be hidden
            self._look(self._view.moved(columns, width, self._last_step))
        else:
            self._look(self._view.panned(1 if columns > 0 else -1, self._last_step))

    def action_ghost(self) -> None:
        """Another run's curve, or none."""
        if self._view.ghost:
            self._look(replace(self._view, ghost=""))
        elif self._follower:
            run = self._follower.run
            self.app.push_screen(ChooseGhostScreen(run), partial(self._take_ghost, run.run_id))

    @property
    def _nothing(self) -> Text:
        """What is said while no run is shown: that there is none is known only once the folder was read."""
        seen = self.app.seen
        return Text(seen.loading or seen.fault or _EMPTY)

    @property
    def _view(self) -> View:
        return self._views.get(self._follower.run.run_id, View()) if self._follower else View()

    @property
    def _last_step(self) -> float:
        return float(self._follower.snapshot.step) if self._follower else 0.0

    def _look(self, view: View) -> None:
        """Looks at the run in another way, at once."""
        if self._follower:
            self._views[self._follower.run.run_id] = view
            self._paint_now()

    def _take_follower(self, follower: Follower | None) -> None:
        if follower is None and self._follower:  # its run was deleted, and there is no other
            self.refresh(recompose=True)
        self._follower = follower
        self._paint_now()

    def _take_seen(self, _: SeenRuns) -> None:
        if self._follower is None:
            self._say("#headline", self._nothing)

    def _choose(self, run: RunDirectory | None) -> None:
        if run is not None:
            self.post_message(RunChosen(run))

    def _take_ghost(self, before: str, run: RunDirectory | None) -> None:
        if run is not None:
            self.app.threads.start(partial(self._read_ghost, before, run))

    def _read_ghost(self, before: str, run: RunDirectory) -> None:
        """Runs in a thread: a long log takes a while to read."""
        self.call_later(self._show_ghost, before, read_snapshot(run))

    def _show_ghost(self, before: str, ghost: Snapshot) -> None:
        """Behind the run with the id `before`, whichever is shown by now."""
        self._ghosts[ghost.run_id] = ghost
        self._views[before] = replace(self._views.get(before, View()), ghost=ghost.run_id)
        self._paint_now()

    def _stop(self, command: str | None) -> None:
        if command is not None:
            self._give(Command(command))

    def _give(self, command: Command) -> None:
        if self._follower:
            self.post_message(CommandGiven(self._follower.run, command))

    def _paint_now(self) -> None:
        self._clock.make_due()
        self._painted, self._charted = (), None
        self._tick()

    def _tick(self) -> None:
        """Paints what is visible and has changed."""
        if self._follower is None or not self.is_current:
            return
        follower, snapshot = self._follower, self._follower.snapshot
        numbers = (snapshot, follower.status, follower.usage, follower.no_room, self.size.width)
        if numbers != self._painted:
            self._painted = numbers
            if self._offered_for != (follower.status, snapshot.paused):
                self._offered_for = follower.status, snapshot.paused
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
        self._say("#headline", headline(snapshot, status, width))
        self.query_one("#epoch", ProgressLine).show(progress.epoch_share, progress.epoch_words)
        self.query_one("#total", ProgressLine).show(progress.total_share, progress.total_words)
        self._say("#numbers", Text(packed(progress.numbers, width)))
        words = NO_ROOM if follower.no_room else alert_words(progress.alerts)
        self._say("#alerts", Text(words, style="bold")).display = bool(words)

    def _say(self, selector: str, words: Text) -> Static:
        """Lays the screen out anew only where other lines are needed: that costs more than to paint them."""
        static = self.query_one(selector, Static)
        before = static.content if isinstance(static.content, Text) else Text()
        if words != before:
            width = self.size.width - _MARGIN
            static.update(words, layout=rows_of(before, width) != rows_of(words, width))
        return static

    def _paint_charts(self, snapshot: Snapshot) -> None:
        view, known = self._view, self._follower is not None and self._follower.status is not Status.LOADING
        read = reading(snapshot, view)
        kind = loss_kind(snapshot.run_id)
        self.query_one("#loss", Chart).title = f"loss ({kind})" if kind else "loss"
        for what in ("loss", "accuracy"):
            chart = self.query_one(f"#{what}", Chart)
            status = self._follower.status if self._follower else None
            chart.empty_words = empty_words(snapshot, status) if known else READING
            chart.axis_label = _AXES[view.axis]
            chart.log_axis = view.log and what == "loss"
            chart.cursor = read.x if read else None
            chart.series = series(snapshot, what, view, self._ghosts.get(view.ghost))
        self._say("#reading", Text(reading_words(read))).display = read is not None
