"""All runs as a table, which can be sorted, labelled, deleted and drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rich.text import Text
from textual import getters
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import DataTable, Static

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.values import whole
from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.label import Label, read_label, write_label
from fmnist_tui.runs.run import Run, delete_run
from fmnist_tui.text import megabytes, percent
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.dialogs.choice import CANCEL, AskScreen
from fmnist_tui.tui.messages import Failed, RunChanged, RunChosen
from fmnist_tui.tui.results.edit_label import EditLabelScreen
from fmnist_tui.tui.threads import Threads
from fmnist_tui.tui.widgets.plain_table import PlainTable

HEADER = ("run", "accuracy", "status", "counts", "curve", "recipe", "epochs", "seed", "NLL", "Brier", "ECE", "label")
LEFT_OUT = "left out by you"


@dataclass(frozen=True)
class Order:
    """An order of the rows: what it is called, and its key."""

    name: str
    key: Callable[[Run], float | str]


def _score(name: str, sign: int) -> Callable[[Run], float]:
    return lambda record: sign * getattr(record.scores, name) if record.scores else 1e9


ORDERS = (
    Order("newest first", lambda _: ""),
    Order("best accuracy first", _score("accuracy", -1)),
    Order("lowest NLL first", _score("nll", 1)),
    Order("lowest ECE first", _score("ece", 1)),
    Order("by version", lambda record: record.version),
)


def ordered(records: Sequence[Run], order: Order) -> list[Run]:
    """The runs in this order, those without a score last; `records` are newest first, and equals stay so."""
    return sorted(records, key=order.key)


def row(record: Run, why_not: Mapping[str, str], drawn: bool) -> tuple[str, ...]:  # noqa: FBT001 - a cell's value
    """The cells below `HEADER`; `why_not` says of the runs that don't count why."""
    why = why_not.get(record.run_id)
    counts = "yes" if why is None else "left out" if why == LEFT_OUT else "no"
    accuracy, *others = _figures(record)
    words = (record.run_id, accuracy, str(record.status), counts, "drawn" if drawn else "", record.marked_recipe)
    numbers = ("" if number is None else str(number) for number in (whole(record.settings, "epochs"), record.seed))
    return (*words, *numbers, *others, record.label)


def _figures(record: Run) -> tuple[str, ...]:
    scores = record.scores
    if scores is None:
        return ("",) * 4
    return percent(scores.accuracy), f"{scores.nll:.4f}", f"{scores.brier:.4f}", f"{scores.ece:.4f}"


_REST_SECONDS = 0.1
"""After so long the cursor isn't on its way to another run."""


@dataclass(frozen=True)
class _Details:
    """What is read of one run only when it is shown: bytes on the disk, and all of its label."""

    size: int
    label: Label


class _Asked(Message):
    """Something is wanted of the run with this id."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run


class RunsView(Vertical):
    """Shows runs; says what a person wants of the one under the cursor."""

    app = getters.app(LabApp)

    BINDINGS = [
        Binding("space", "draw", "Curve", tooltip="Draw this run's curve among the curves, or not"),
        Binding("t", "test", "Test", tooltip="Test this run against those whose curves are drawn, image by image"),
        Binding("x", "leave_out", "Leave out", tooltip="Leave this run out of the comparison, or take it in"),
        Binding("s", "sort", "Sort", tooltip="Sort by the next measure"),
        Binding("l", "label", "Label", tooltip="Give this run a name, tags and a note"),
        Binding("d,delete", "delete", "Delete", tooltip="Throw this run away; asks first"),
    ]

    class DrawingAsked(_Asked):
        """This run's curve shall be drawn, or no longer."""

    class TestingAsked(_Asked):
        """This run shall be tested against the drawn ones."""

    class LeavingOutAsked(_Asked):
        """This run shall be left out, or taken in again."""

    def __init__(self) -> None:
        super().__init__()
        self._order = 0
        self._records: Sequence[Run] = ()
        self._why: dict[str, str] = {}
        self._row: Callable[[Run], tuple[str, ...]] = lambda _: ()
        self._label_screen: EditLabelScreen | None = None
        self._rest: Timer | None = None
        self._details: dict[str, tuple[Run, _Details]] = {}

    def compose(self) -> ComposeResult:
        """The layout."""
        yield PlainTable(id="all_runs")
        yield Static(id="about_run")

    def show(
        self, records: Sequence[Run], comparison: Comparison, left_out: Collection[str], drawn: Collection[str]
    ) -> None:
        """Shows all of `records`, which are newest first."""
        self._records = records
        self._why = {one.run: one.why for one in comparison.not_counted} | dict.fromkeys(left_out, LEFT_OUT)
        self._row = lambda record: row(record, self._why, record.run_id in drawn)
        self._fill()

    def action_draw(self) -> None:
        """Draws the run's curve, or takes it away."""
        if record := self.current:
            self.post_message(self.DrawingAsked(record.run_id))

    def action_test(self) -> None:
        """Tests the run against the drawn ones."""
        if record := self.current:
            self.post_message(self.TestingAsked(record.run_id))

    def action_leave_out(self) -> None:
        """Leaves the run out, or takes it in again."""
        if record := self.current:
            self.post_message(self.LeavingOutAsked(record.run_id))

    def action_sort(self) -> None:
        """The next order."""
        self._order = (self._order + 1) % len(ORDERS)
        self._fill()

    def action_label(self) -> None:
        """Asks for a name, tags and a note; the fields wait for the label, where it isn't read yet."""
        if record := self.current:
            details = self._details_of(record)
            self._label_screen = EditLabelScreen(record.run_id, details.label if details else None)
            self.app.push_screen(self._label_screen, partial(self._keep_label, record.directory))

    def action_delete(self) -> None:
        """Asks whether to throw the run away."""
        if record := self.current:
            question = f"Delete {record.run_id}{f' ({record.label})' if record.label else ''}? It can't be had back."
            details = self._details_of(record)
            size = f", {megabytes(details.size)}" if details else ""
            answers = {CANCEL: "Keep it", "delete": f"Delete it{size}"}
            self.app.push_screen(AskScreen(question, answers), partial(self._delete, record.directory))

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Says whether the run counts."""
        event.stop()
        self._tell()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter shows the run on the training screen."""
        event.stop()
        if record := self.current:
            self.post_message(RunChosen(record.directory))
            self.app.call_later(self.app.run_action, "go('training')")

    def _keep_label(self, run: RunDirectory, label: Label | None) -> None:
        if label is not None:
            self._change(run, partial(write_label, run, label))

    def _delete(self, run: RunDirectory, answer: str | None) -> None:
        if answer:
            self._change(run, partial(delete_run, run))

    def _change(self, run: RunDirectory, work: Callable[[], None]) -> None:
        self._threads.start(partial(self._change_in_thread, run, work), lane="changes", must_finish=True)

    def _change_in_thread(self, run: RunDirectory, work: Callable[[], None]) -> None:
        try:
            work()
        except RunError as error:
            self.post_message(Failed(str(error)))
        else:
            self.post_message(RunChanged(run))

    def _details_of(self, record: Run) -> _Details | None:
        """What is known of the run besides; None while it isn't read: another label makes another record."""
        known = self._details.get(record.run_id)
        return known[1] if known and known[0] is record else None

    def _read_details(self) -> None:
        """Of the run under the cursor, once it rests there."""
        record = self.current
        if record and self._details_of(record) is None:
            self._threads.start(partial(self._read_in_thread, record), lane="details", only_newest=True)

    def _read_in_thread(self, record: Run) -> None:
        details = _Details(record.directory.size(), read_label(record.directory))
        self.call_later(self._take_details, record, details)

    def _take_details(self, record: Run, details: _Details) -> None:
        self._details[record.run_id] = record, details
        self._tell()
        if self._label_screen and self._label_screen.run_id == record.run_id:
            self._label_screen.fill(details.label)

    @property
    def _threads(self) -> Threads:
        return self.app.threads

    def _fill(self) -> None:
        table, kept = self.query_one(PlainTable), self.current
        records = ordered(self._records, ORDERS[self._order])
        keys = [record.run_id for record in records]
        table.show(HEADER, map(self._row, records), keys, cursor=kept.run_id if kept else "")
        self._tell()

    def _tell(self) -> None:
        record = self.current
        about = f"; {self._about(record)}" if record else ""
        self.query_one("#about_run", Static).update(Text(f"{ORDERS[self._order].name}{about}"))
        if record and self._details_of(record) is None:
            if self._rest:
                self._rest.stop()
            self._rest = self.set_timer(_REST_SECONDS, self._read_details)

    def _about(self, record: Run) -> str:
        details, why = self._details_of(record), self._why.get(record.run_id)
        text = f"{record.run_id} {f'does not count: {why}' if why else 'counts'}"
        if details is None:
            return f"{text} ..."
        words = (text, megabytes(details.size), *(f"#{tag}" for tag in details.label.tags))
        return ", ".join(filter(None, [" ".join(words), details.label.note]))

    @property
    def current(self) -> Run | None:
        """The run under the cursor."""
        table = self.query_one(PlainTable)
        if not table.row_count:
            return None
        key = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
        return next((record for record in self._records if record.run_id == key), None)
