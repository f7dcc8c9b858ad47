"""The charts of the run that is shown: loss and accuracy, or how its layers learn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.theme import Theme

from fmnist_tui.analysis.watched_runs import RunLogs
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Epoch
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.training.curves import ChartViewport, Reading, axes, loss_kind, on_chart, series
from fmnist_tui.tui.training.layers import MEASURES, LayersPanel
from fmnist_tui.tui.training.progress import READING, empty_text
from fmnist_tui.tui.training.seeds import OverSeeds, over_seeds, seed_series
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.drawing import Series

_AXES = {"step": "step", "epoch": "epoch", "time": "minute"}
_TITLES = {"loss": "Loss", "accuracy": "Accuracy"}
_LOOK_SECONDS = 2.0
"""Between two looks at the logs of other seeds that are being trained."""


class SeedsRead(Message):
    """The runs with other seeds were read.

    Attributes:
        found: None where there are none.
    """

    def __init__(self, found: OverSeeds | None) -> None:
        super().__init__()
        self.found = found


class Charts(Horizontal):
    """Side by side where there is room; behind the curves the mean over seeds with its 95% band, if there are some."""

    app = getters.app(LabApp)

    class Changed(Message):
        """There is something new to draw."""

    def __init__(self) -> None:
        super().__init__(id="charts")
        self._logs = RunLogs()
        self._over_seeds: OverSeeds | None = None
        self._is_reading = False
        self._state: RunsState | None = None
        self._seen: tuple[RunDirectory, int] | None = None

    def compose(self) -> ComposeResult:
        """Loss, accuracy, layers; the style sheet shows those that there is room for."""
        for what, title in _TITLES.items():
            yield Chart(title, id=what)
        yield LayersPanel()

    def on_mount(self) -> None:
        """Looks at runs with other seeds, on a slow clock."""
        self.set_interval(_LOOK_SECONDS * self.app.pace, self._look)

    def on_seeds_read(self, message: SeedsRead) -> None:
        """Has the mean and the band drawn."""
        message.stop()
        self._is_reading = False
        before, self._over_seeds = self._over_seeds, message.found
        if before is not message.found and not (before and before.is_like(message.found)):
            self.post_message(self.Changed())

    def show(
        self,
        follower: Follower,
        viewport: ChartViewport,
        read: Reading | None,
        overlays: Sequence[Snapshot],
        measure: int,
    ) -> None:
        """Shows a run.

        Args:
            follower: The run.
            viewport: What to show of it.
            read: The values at the cursor, if there is one.
            overlays: Runs whose curves are shown as well.
            measure: What the panel of layers shows, a position in `MEASURES`; -1 while it is hidden.
        """
        snapshot, theme = follower.snapshot, self.app.current_theme
        loading = follower.status is Status.LOADING
        kind = loss_kind(snapshot.run_id)
        self.query_one("#loss", Chart).title = f"Loss ({kind})" if kind else "Loss"
        for what in _TITLES:
            chart = self.query_one(f"#{what}", Chart)
            chart.empty_text = READING if loading else empty_text(snapshot, follower.status)
            chart.axis_label = _AXES[viewport.axis]
            chart.axes = axes(snapshot, what, viewport, read, theme)
            of_seeds = self._of_seeds(follower, what, viewport, theme)
            chart.series = series(snapshot, what, viewport, theme, overlays) + of_seeds
        if measure >= 0:
            self.query_one(LayersPanel).show(snapshot, MEASURES[measure])

    def _look(self) -> None:
        """Reads in a thread what may have changed, if the screen is shown."""
        follower, state = self.app.followed, self.app.runs_state
        known = state.by_run.get(follower.run) if follower else None
        if follower is None or known is None or self._is_reading or not self.screen.is_current:
            return
        epochs = tuple(follower.snapshot.epochs)
        seen = follower.run, len(epochs)
        if state is not self._state or seen != self._seen or state.running:
            self._state, self._seen, self._is_reading = state, seen, True
            self.app.threads.start(partial(self._read, known.record, epochs, state.records), lane="seeds")

    def _read(self, run: Run, epochs: Sequence[Epoch], runs: Sequence[Run]) -> None:
        self.post_message(SeedsRead(over_seeds(run, epochs, runs, self._logs)))

    def _of_seeds(self, follower: Follower, what: str, viewport: ChartViewport, theme: Theme) -> tuple[Series, ...]:
        """The mean over seeds and its band; not by time, which differs between the runs."""
        found = self._over_seeds
        if found is None or found.run != follower.run or viewport.axis == "time":
            return ()
        shown = seed_series(found, what, follower.snapshot, theme, log=viewport.log and what == "loss")
        return tuple(on_chart(one, follower.snapshot, viewport) for one in shown)
