"""Screen 3: a run as it learns."""

from __future__ import annotations

import time

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer, Static

from fmnist_tui.models.catalogue import VERSIONS
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.snapshot import Snapshot
from fmnist_tui.runs.status import Status
from fmnist_tui.training.control import Command
from fmnist_tui.tui.curves import accuracy_series, loss_series
from fmnist_tui.tui.messages import CommandGiven, ResumeRequested, RunChosen
from fmnist_tui.tui.progress import progress_of
from fmnist_tui.tui.screens.choose_run import ChooseRunScreen
from fmnist_tui.tui.screens.stop import StopScreen
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.progress_line import ProgressLine

_NUMBERS_SECONDS = 0.5
_CHART_SECONDS = 1.0
_EMPTY = "No run yet. Press 2, choose a version and train it, or start one with: fmnist-tui train v0"


class TrainingScreen(Screen[None]):
    """Charts above, numbers and progress below. Numbers are painted twice a second at most, charts once."""

    CSS_PATH = "training.tcss"
    BINDINGS = [
        Binding("space", "pause", "Pause", tooltip="Pause the run, or continue it"),
        Binding("s", "stop", "Stop", tooltip="Stop the run after its epoch, or now"),
        Binding("r", "resume", "Resume", tooltip="Go on with a stopped or interrupted run"),
        Binding("g", "log", "Log", tooltip="Loss on a logarithmic axis"),
        Binding("a", "other_chart", "Accuracy", tooltip="On narrow screens: the other chart"),
        Binding("o", "choose", "Runs", tooltip="Choose the run to show"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._follower: Follower | None = None
        self._painted: tuple[Snapshot, Status] | None = None
        self._charted: Snapshot | None = None
        self._charted_at = 0.0

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("training")
        yield Static(_EMPTY, id="headline")
        with Horizontal(id="charts"):
            yield Chart("loss", id="loss")
            yield Chart("accuracy", id="accuracy")
        with Vertical(id="progress"):
            yield ProgressLine("epoch", id="epoch")
            yield ProgressLine("total", id="total")
        yield Static(id="numbers")
        yield Static(id="alerts")
        yield Footer()

    def on_mount(self) -> None:
        """Follows whatever run the app follows, on a slow clock."""
        self.watch(self.app, "followed", self._take_follower)
        self.set_interval(_NUMBERS_SECONDS, self._tick)

    def on_screen_resume(self) -> None:
        """Back on the screen: what changed meanwhile is painted at once."""
        self._charted_at = 0.0
        self._tick()

    def action_pause(self) -> None:
        """Pauses, or goes on."""
        if self._follower:
            paused = self._follower.snapshot.paused
            self._give(Command.CONTINUE if paused else Command.PAUSE)

    def action_stop(self) -> None:
        """Asks how to stop."""
        if self._follower and self._follower.status.has_trainer:
            self.app.push_screen(StopScreen(self._follower.run.run_id), self._stop)

    def action_resume(self) -> None:
        """Goes on with the run that is shown."""
        if self._follower:
            self.post_message(ResumeRequested(self._follower.run))

    def action_log(self) -> None:
        """Linear or logarithmic."""
        chart = self.query_one("#loss", Chart)
        chart.log_axis = not chart.log_axis

    def action_other_chart(self) -> None:
        """On narrow screens there is room for one chart."""
        self.toggle_class("show-accuracy")

    def action_choose(self) -> None:
        """A list of runs."""
        self.app.push_screen(ChooseRunScreen(self.app.runs), self._choose)  # type: ignore[attr-defined]

    def _take_follower(self, follower: Follower | None) -> None:
        self._follower = follower
        self._painted = self._charted = None
        self._charted_at = 0.0
        self._tick()

    def _choose(self, run: RunDirectory | None) -> None:
        if run is not None:
            self.post_message(RunChosen(run))

    def _stop(self, command: Command | None) -> None:
        if command is not None:
            self._give(command)

    def _give(self, command: Command) -> None:
        if self._follower:
            self.post_message(CommandGiven(self._follower.run, command))

    def _tick(self) -> None:
        """Paints what is visible and has changed."""
        if self._follower is None or not self.is_current:
            return
        snapshot, status = self._follower.snapshot, self._follower.status
        if self._painted != (snapshot, status):
            self._painted = (snapshot, status)
            self._paint_numbers(snapshot, status)
        now = time.monotonic()
        if snapshot is not self._charted and now - self._charted_at >= _CHART_SECONDS:
            self._charted, self._charted_at = snapshot, now
            self._paint_charts(snapshot)

    def _paint_numbers(self, snapshot: Snapshot, status: Status) -> None:
        progress = progress_of(snapshot)
        self.query_one("#headline", Static).update(self._headline(snapshot, status))
        self.query_one("#epoch", ProgressLine).show(progress.epoch_share, progress.epoch_words)
        self.query_one("#total", ProgressLine).show(progress.total_share, progress.total_words)
        self.query_one("#numbers", Static).update(Text(progress.numbers))
        self.query_one("#alerts", Static).update(Text("\n".join(progress.alerts[-2:]), style="bold"))

    def _headline(self, snapshot: Snapshot, status: Status) -> Text:
        """Which run, and what it is doing: nobody looks at an empty chart without being told why."""
        version = snapshot.run_id.partition("-")[0]
        title = next((known.title for known in VERSIONS if known.name == version), "")
        doing = snapshot.stage if status is Status.LIVE and snapshot.stage else str(status)
        if snapshot.stopping and status.has_trainer:
            doing = f"{doing}, stopping ({snapshot.stopping})"
        return Text.assemble((f"{version} {title}", "bold"), f"  {snapshot.run_id}  ", (doing, "reverse"))

    def _paint_charts(self, snapshot: Snapshot) -> None:
        for name, series in (("#loss", loss_series(snapshot)), ("#accuracy", accuracy_series(snapshot))):
            chart = self.query_one(name, Chart)
            chart.empty_words = snapshot.stage or "waiting for the first step"
            if chart.display:
                chart.series = series
