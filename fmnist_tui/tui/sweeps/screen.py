"""The Sweeps screen: all sweeps, the trials of one of them, and its accuracy over each setting."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import DataTable, Static

from fmnist_tui.errors import RunError
from fmnist_tui.models.options import ConfigError
from fmnist_tui.sweeps.directory import SweepDirectory, list_sweeps
from fmnist_tui.sweeps.start import resume_sweep, stop_sweep
from fmnist_tui.sweeps.sweep import Sweep, SweepStatus, TrialRow, read_sweep
from fmnist_tui.text import counted
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.choice import CANCEL, ChoiceDialog
from fmnist_tui.tui.messages import Failed, RunSelected
from fmnist_tui.tui.sweeps import plots, texts
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.fitted import Fitted
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.plain_table import PlainTable

_LOOK_SECONDS = 2.0
_MORE_SEEDS = (3, 1, 5)
_CHARTS = ("first_setting", "second_setting")


class SweepsRead(Message):
    """The sweeps as they are now, newest first, or why they can't be read."""

    def __init__(self, sweeps: tuple[Sweep, ...], fault: str = "") -> None:
        super().__init__()
        self.sweeps = sweeps
        self.fault = fault


class SweepsScreen(LabScreen):
    """A list of sweeps; below it the trials of the one under the cursor, beside them the charts of its settings."""

    CSS_PATH = "sweeps.tcss"
    BINDINGS = [
        Binding("n", "next_setting", "Setting", tooltip="Accuracy over the next setting"),
        Binding("v", "other_view", "Plots", tooltip="Trials or plots, where there is no room for both"),
        Binding("s", "stop", "Stop", tooltip="Save all trials that are being trained, and stop the sweep"),
        Binding("r", "resume", "Resume", tooltip="Go on with the sweep, bit for bit where it was"),
        Binding("t", "retrain", "Retrain", tooltip="Retrain the winner with more seeds, each scored once"),
    ]
    AUTO_FOCUS = "#sweeps"

    def __init__(self) -> None:
        super().__init__()
        self._sweeps: tuple[Sweep, ...] = ()
        self._setting = 0
        self._reader = _Reader()

    def compose(self) -> ComposeResult:
        """The sweeps above, trials and charts below."""
        yield Nav("sweeps")
        yield Static("Reading the sweeps ...", id="no_sweeps")
        with Vertical(id="all_sweeps", classes="panel"):
            yield PlainTable(id="sweeps")
        with Horizontal(id="sweep"):
            with Vertical(id="left", classes="panel"):
                yield PlainTable(id="trials")
                yield Static(id="about_trial")
                yield Static(id="summary")
            with Vertical(id="right"):
                for name in _CHARTS:
                    yield Chart("Validation accuracy", id=name)
                yield Static(id="ladder", classes="panel")
        yield KeyLine()

    def on_mount(self) -> None:
        """Looks at the sweeps every other second while the screen is shown."""
        self.query_one("#all_sweeps").border_title = "Sweeps"
        self.query_one("#ladder").border_title = "Trials that reached a rung"
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show())
        self.set_interval(_LOOK_SECONDS * self.app.pace, self._look)

    def on_screen_resume(self) -> None:
        """Looks at once."""
        self._look()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Another sweep is chosen, or another trial."""
        if event.data_table.id == "sweeps":
            self._show_sweep()
        self._show_trial()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter goes from the sweep to its trials, and from a trial to the Training screen."""
        if event.data_table.id == "sweeps":
            self.query_one("#trials").focus()
        elif (trial := self._trial) and trial.run:
            self.post_message(RunSelected(trial.run))
            self.app.call_later(self.app.run_action, "go('training')")

    def action_next_setting(self) -> None:
        """Moves the charts to the next setting."""
        self._setting += 1
        self._show_charts()

    def offers(self, action: str) -> bool:
        """Whether an action belongs in the key line: on a wide terminal there is room for trials and plots."""
        return action != "other_view" or not self.has_class("-wide")

    def action_other_view(self) -> None:
        """Trials or plots, where there is no room for both."""
        self.toggle_class("-plots")

    def action_stop(self) -> None:
        """Stops the sweep, after a question."""
        sweep = self._sweep
        if sweep is None or sweep.status not in (SweepStatus.PENDING, SweepStatus.RUNNING):
            self.notify("This sweep isn't running" if sweep else "There is no sweep")
            return
        answers = {"stop": "Stop: trials are saved; r resumes them bit for bit", CANCEL: "Keep running"}
        dialog = ChoiceDialog(f"Stop {sweep.sweep_id}?", answers)
        self.app.push_screen(dialog, partial(self._change, partial(stop_sweep, sweep.directory)))

    def action_resume(self) -> None:
        """Resumes the sweep."""
        sweep = self._sweep
        if sweep is None or sweep.status not in (SweepStatus.STOPPED, SweepStatus.INTERRUPTED, SweepStatus.FAILED):
            text = f"This sweep is {sweep.status}: nothing to resume" if sweep else "There is no sweep"
            self.notify(text)
            return
        self._change(partial(resume_sweep, sweep.directory), "resume")

    def action_retrain(self) -> None:
        """Retrains the winner with more seeds."""
        sweep = self._sweep
        if sweep is None or not sweep.is_decided or sweep.best is None:
            self.notify("There is no winner yet: all trials have to be done first")
            return
        trained = len(sweep.retrained)
        answers = {str(more): f"{counted(more, 'more seed')}, each scored once" for more in _MORE_SEEDS}
        dialog = ChoiceDialog(f"Retrain trial {sweep.best} of {sweep.sweep_id}?", {**answers, CANCEL: "Cancel"})

        def retrain(answer: str | None) -> None:
            if answer:
                work = partial(resume_sweep, sweep.directory, None, trained + int(answer))
                self._change(work, answer)

        self.app.push_screen(dialog, retrain)

    def on_sweeps_read(self, message: SweepsRead) -> None:
        """Shows the sweeps."""
        self._sweeps = message.sweeps
        self.set_class(not message.sweeps, "-none")
        self.query_one("#no_sweeps", Static).update(Text(message.fault or texts.NO_SWEEPS))
        self._show()

    def _change(self, work: Callable[[], object], answer: str | None) -> None:
        if answer:
            self.app.threads.start(partial(self._change_in_thread, work), lane="sweep-changes", must_finish=True)

    def _change_in_thread(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (RunError, ConfigError) as error:
            self.post_message(Failed(str(error)))
        self._read_in_thread()

    def _look(self) -> None:
        if self.is_current:
            self.app.threads.start(self._read_in_thread, lane="sweeps", only_newest=True)

    def _read_in_thread(self) -> None:
        self.post_message(self._reader.read(self.app.runs))

    @property
    def _sweep(self) -> Sweep | None:
        """The sweep under the cursor."""
        row = self.query_one("#sweeps", PlainTable).cursor_row
        return self._sweeps[row] if row < len(self._sweeps) else None

    @property
    def _trial(self) -> TrialRow | None:
        """The trial under the cursor."""
        sweep, table = self._sweep, self.query_one("#trials", PlainTable)
        if sweep is None or sweep.fault or table.cursor_row >= len(sweep.ranked):
            return None
        return sweep.ranked[table.cursor_row]

    def _show(self) -> None:
        theme, current = self.app.current_theme, self._sweep
        columns = texts.IN_60_CELLS if self.has_class("-small") else len(texts.LIST_HEADER)
        rows = [texts.list_row(sweep, theme, columns) for sweep in self._sweeps]
        keys = [sweep.sweep_id for sweep in self._sweeps]
        cursor = current.sweep_id if current else ""
        self.query_one("#sweeps", PlainTable).show(texts.LIST_HEADER[:columns], rows, keys, cursor=cursor)
        self._show_sweep()

    def _show_sweep(self) -> None:
        sweep, theme = self._sweep, self.app.current_theme
        if sweep is None:
            return
        table, ladder = self.query_one("#trials", PlainTable), self.query_one("#ladder", Static)
        self.set_class(bool(sweep.fault), "-fault")
        if sweep.fault:
            table.show((), ())
            self.query_one("#summary", Static).update(Text(sweep.fault))
            return
        self.query_one("#left").border_title = Text(texts.title(sweep))
        rows = [texts.trial_cells(sweep, row, theme) for row in sweep.ranked]
        table.show(texts.trial_header(sweep), rows, [str(row.number) for row in sweep.ranked])
        self.query_one("#summary", Static).update(texts.summary(sweep))
        ladder.set_class(len(sweep.rungs) < 2, "-unused")
        ladder.update(Fitted(partial(texts.ladder, sweep, theme)))
        self._show_charts()
        self._show_trial()

    def _show_charts(self) -> None:
        sweep = self._sweep
        if sweep is None or sweep.fault:
            return
        dimensions, theme = sweep.space.dimensions, self.app.current_theme
        for offset, name in enumerate(_CHARTS):
            chart = self.query_one(f"#{name}", Chart)
            chart.set_class(offset >= len(dimensions), "-unused")
            dimension = dimensions[(self._setting + offset) % len(dimensions)]
            chart.axes = plots.accuracy_axes(dimension, theme)
            chart.axis_label = plots.axis_label(dimension)
            chart.empty_text = "No trial has been validated yet."
            chart.series = plots.accuracy_series(sweep, dimension, theme)

    def _show_trial(self) -> None:
        if self._sweep:
            self.query_one("#about_trial", Static).update(texts.about_trial(self._trial))


class _Reader:
    """Reads all sweeps; one that is over is read again only if its trials.jsonl has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], Sweep]] = {}

    def read(self, runs: Path) -> SweepsRead:
        """The sweeps of a runs folder. Runs in a thread."""
        try:
            return SweepsRead(tuple(self._read(directory) for directory in list_sweeps(runs)))
        except RunError as error:
            return SweepsRead((), str(error))

    def _read(self, directory: SweepDirectory) -> Sweep:
        try:
            found = directory.trials.stat()
            stamp = found.st_mtime_ns, found.st_size
        except OSError:
            return read_sweep(directory)
        known = self._known.get(directory.path)
        if known and known[0] == stamp and known[1].status is SweepStatus.FINISHED:
            return known[1]
        sweep = read_sweep(directory)
        self._known[directory.path] = stamp, sweep
        return sweep
